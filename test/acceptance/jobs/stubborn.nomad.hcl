job "stubborn" {
  type = "service"

  group "g" {
    task "t" {
      driver       = "diego"
      kill_timeout = "1s"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/sh"
        args    = ["-c", "trap '' TERM; setsid sleep 4713 & echo up; while :; do sleep 0.1; done"]
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
