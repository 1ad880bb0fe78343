job "failing" {
  type = "batch"

  group "g" {
    restart {
      attempts = 1
      delay    = "1s"
      interval = "5m"
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "t" {
      driver = "diego"

      config {
        rootfs = "preloaded:busybox"
        action {
          run {
            path = "/bin/sh"
            args = ["-c", "exit 3"]
            user = "vcap"
          }
        }
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
