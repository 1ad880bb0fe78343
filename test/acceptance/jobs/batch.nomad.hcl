job "batch" {
  type = "batch"

  group "g" {
    task "t" {
      driver = "diego"

      config {
        rootfs  = "preloaded:busybox"
        command = "/bin/sh"
        args    = ["-c", "echo to stdout; echo to stderr >&2; id -u; cat /proc/self/uid_map"]
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
