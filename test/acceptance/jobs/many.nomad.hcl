job "many" {
  type = "batch"

  group "g" {
    count = 20

    task "t" {
      driver = "diego"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/sh"
        args    = ["-c", "echo $NOMAD_ALLOC_INDEX; sleep 1"]
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
