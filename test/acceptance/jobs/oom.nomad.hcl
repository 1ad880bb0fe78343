job "oom" {
  type = "batch"

  group "g" {
    restart {
      attempts = 0
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "t" {
      driver = "diego"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/tail"
        args    = ["/dev/zero"]
      }

      resources {
        cpu    = 500
        memory = 20
      }
    }
  }
}
