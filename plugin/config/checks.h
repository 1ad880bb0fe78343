/* What a text of the configuration may be; each returns what is wrong with it, or NULL. */
#ifndef DIEGO_CONFIG_CHECKS_H
#define DIEGO_CONFIG_CHECKS_H

const char *check_not_empty(const char *text);
const char *check_absolute_path(const char *text); /* and normal: no "//", "." or "..", no "/" at the end */
const char *check_log_level(const char *text);
const char *check_controller(const char *text);
const char *check_capability(const char *text);
const char *check_lifecycle(const char *text);
const char *check_rootfs(const char *text);
const char *check_log_format(const char *text);
const char *check_seccomp(const char *text);
const char *check_user_namespace(const char *text);
const char *check_hostname(const char *text);
const char *check_extra_host(const char *text);
const char *check_mount_type(const char *text);
const char *check_propagation(const char *text);
const char *check_device_path(const char *text);
const char *check_permissions(const char *text);

#endif
