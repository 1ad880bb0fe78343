job "bridge" {
  type = "service"

  group "g" {
    network {
      mode = "bridge"

      port "http" {
        to = 80
      }
    }

    task "t" {
      driver = "diego"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/sh"
        args    = ["-c", "mkdir /www; echo served > /www/index.html; echo up; exec httpd -f -p 80 -h /www"]
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
