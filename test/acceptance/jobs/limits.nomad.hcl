job "limits" {
  type = "batch"

  group "g" {
    task "t" {
      driver = "diego"

      config {
        rootfs   = "preloaded:busybox"
        max_pids = 50
        command  = "/bin/sh"
        args     = ["-c", "cd /sys/fs/cgroup; grep -H . memory.max memory.low memory.swap.max cpu.weight pids.max cpuset.cpus; nproc"]
      }

      resources {
        cores      = 1
        memory     = 40
        memory_max = 80
      }
    }
  }
}
