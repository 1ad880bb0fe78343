# A service that greets and stays, so that there is something to look at: nomad alloc status, logs, exec.
job "hello" {
  type = "service"

  group "hello" {
    task "hello" {
      driver = "diego"

      config {
        rootfs = "preloaded:busybox"

        action {
          run {
            path = "/bin/sh"
            args = ["-c", "echo hello from $(hostname); while :; do sleep 1; done"]
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
