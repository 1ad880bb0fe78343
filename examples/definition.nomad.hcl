# A Diego Task as Cloud Foundry's tools print it, run as it is.
job "definition" {
  type = "batch"

  group "definition" {
    task "task" {
      driver = "diego"

      config {
        definition = <<JSON
{
  "task_guid": "greeting",
  "domain": "demo",
  "rootfs": "preloaded:busybox",
  "env": [{"name": "NAME", "value": "Diego"}],
  "action": {"run": {"path": "/bin/sh", "args": ["-c", "echo hello, $NAME"], "user": "vcap"}},
  "memory_mb": 32,
  "max_pids": 100,
  "log_source": "APP"
}
JSON
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
