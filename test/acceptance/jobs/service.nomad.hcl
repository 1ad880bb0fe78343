job "service" {
  type = "service"

  group "g" {
    task "t" {
      driver       = "diego"
      kill_timeout = "3s"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/sh"
        args    = ["-c", "trap 'echo got hup' HUP; trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done"]
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
