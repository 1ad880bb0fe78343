job "inputs" {
  type = "batch"

  group "g" {
    volume "data" {
      type   = "host"
      source = "data"
    }

    task "t" {
      driver = "diego"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/sh"
        args    = ["-c", "cat /local/rendered /local/fetched/file /data/file; echo $GREETING; echo written > /data/out; echo x > /secrets/x && echo secret"]
      }

      env {
        GREETING = "good day"
      }

      template {
        data        = "rendered on {{ env \"node.unique.name\" | len | eq 0 }}\n"
        destination = "local/rendered"
      }

      artifact {
        source      = "http://127.0.0.1:8765/file"
        destination = "local/fetched"
      }

      volume_mount {
        volume      = "data"
        destination = "/data"
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
