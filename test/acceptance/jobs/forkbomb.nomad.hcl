job "forkbomb" {
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
        rootfs   = "preloaded:busybox"
        max_pids = 20
        command  = "/bin/sh"
        args     = ["-c", "i=0; while [ $i -lt 100 ]; do sleep 30 & i=$((i+1)); done; echo all started"]
      }

      resources {
        cpu    = 500
        memory = 32
      }
    }
  }
}
