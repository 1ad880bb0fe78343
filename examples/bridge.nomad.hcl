# A web server in a network of its own; its port 80 is a dynamic port of the node. Needs the CNI plugins.
job "web" {
  group "web" {
    network {
      mode = "bridge"

      port "http" {
        to = 80
      }
    }

    task "httpd" {
      driver = "diego"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/httpd"
        args    = ["-f", "-p", "80", "-h", "/local"]

        isolation {
          readonly_rootfs = true
        }
      }

      template {
        data        = "served by {{ env \"NOMAD_ALLOC_ID\" }}\n"
        destination = "local/index.html"
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
