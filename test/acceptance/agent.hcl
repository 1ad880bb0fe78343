# A server and a client in one, as a small cluster has them. DIR is replaced.
data_dir   = "DIR/data"
plugin_dir = "DIR/plugins"
bind_addr  = "127.0.0.1"
log_level  = "DEBUG"

disable_update_check = true

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}

server {
  enabled          = true
  bootstrap_expect = 1

  default_scheduler_config {
    memory_oversubscription_enabled = true
  }
}

client {
  enabled  = true
  cni_path = "/usr/lib/cni"

  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean,consul,vault"
  }

  host_volume "data" {
    path = "DIR/volume"
  }
}

# Without it the agent does not ask for statistics.
telemetry {
  publish_allocation_metrics = true
}

plugin "nomad-driver-diego" {
  config {
    preloaded_rootfs = { busybox = "DIR/rootfs" }
  }
}
