/* Short names for the driver service's generated messages: DriverStartTaskRequest for
 * Hashicorp__Nomad__Plugins__Drivers__Proto__StartTaskRequest, and DRIVER_INIT(START_TASK_REQUEST) for its
 * initial value. */
#ifndef DIEGO_DRIVER_PROTO_H
#define DIEGO_DRIVER_PROTO_H

#include "proto/nomad/driver.pb-c.h"
#include "proto/supervisor.pb-c.h"

#define DRIVER_MESSAGE(name) typedef Hashicorp__Nomad__Plugins__Drivers__Proto__##name Driver##name

DRIVER_MESSAGE(CapabilitiesResponse);
DRIVER_MESSAGE(CPUUsage);
DRIVER_MESSAGE(CreateNetworkResponse);
DRIVER_MESSAGE(DestroyNetworkResponse);
DRIVER_MESSAGE(DestroyTaskRequest);
DRIVER_MESSAGE(DestroyTaskResponse);
DRIVER_MESSAGE(DriverCapabilities);
DRIVER_MESSAGE(DriverTaskEvent);
DRIVER_MESSAGE(ExecTaskRequest);
DRIVER_MESSAGE(ExecTaskResponse);
DRIVER_MESSAGE(ExecTaskStreamingIOOperation);
DRIVER_MESSAGE(ExecTaskStreamingRequest);
DRIVER_MESSAGE(ExecTaskStreamingResponse);
DRIVER_MESSAGE(ExitResult);
DRIVER_MESSAGE(FingerprintResponse);
DRIVER_MESSAGE(InitResponse);
DRIVER_MESSAGE(InspectTaskRequest);
DRIVER_MESSAGE(InspectTaskResponse);
DRIVER_MESSAGE(MemoryUsage);
DRIVER_MESSAGE(RecoverTaskRequest);
DRIVER_MESSAGE(RecoverTaskResponse);
DRIVER_MESSAGE(ShutdownResponse);
DRIVER_MESSAGE(SignalTaskRequest);
DRIVER_MESSAGE(SignalTaskResponse);
DRIVER_MESSAGE(StartTaskRequest);
DRIVER_MESSAGE(StartTaskResponse);
DRIVER_MESSAGE(StopTaskRequest);
DRIVER_MESSAGE(StopTaskResponse);
DRIVER_MESSAGE(TaskConfig);
DRIVER_MESSAGE(TaskConfigSchemaResponse);
DRIVER_MESSAGE(TaskDriverStatus);
DRIVER_MESSAGE(TaskHandle);
DRIVER_MESSAGE(TaskResourceUsage);
DRIVER_MESSAGE(TaskStats);
DRIVER_MESSAGE(TaskStatsRequest);
DRIVER_MESSAGE(TaskStatsResponse);
DRIVER_MESSAGE(TaskStatus);
DRIVER_MESSAGE(WaitTaskRequest);
DRIVER_MESSAGE(WaitTaskResponse);

#undef DRIVER_MESSAGE

#define DRIVER_INIT(NAME) HASHICORP__NOMAD__PLUGINS__DRIVERS__PROTO__##NAME##__INIT
#define DRIVER_ENUM(NAME) HASHICORP__NOMAD__PLUGINS__DRIVERS__PROTO__##NAME
#define DRIVER_DESCRIPTOR(name) (&hashicorp__nomad__plugins__drivers__proto__##name##__descriptor)

typedef Diego__Supervisor__Event SupervisorEvent;
typedef Diego__Supervisor__ExitRecord SupervisorExitRecord;
typedef Diego__Supervisor__Request SupervisorRequest;
typedef Diego__Supervisor__Status SupervisorStatus;
typedef Diego__Supervisor__TaskSpec SupervisorTaskSpec;
typedef Diego__Supervisor__TaskState SupervisorTaskState;

#define SUPERVISOR_INIT(NAME) DIEGO__SUPERVISOR__##NAME##__INIT

#endif
