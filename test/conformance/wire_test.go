package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/nomad/plugins/base"
	"github.com/hashicorp/nomad/plugins/drivers"
	"github.com/hashicorp/nomad/plugins/drivers/proto"
	"github.com/shoenig/test/must"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// connection is the raw gRPC channel to the plugin.
func (n *node) connection() *grpc.ClientConn {
	n.t.Helper()
	rpc, err := n.client.Client()
	must.NoError(n.t, err)
	return rpc.(*plugin.GRPCClient).Conn
}

func (n *node) threads() int {
	n.t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", n.client.ReattachConfig().Pid))
	must.NoError(n.t, err)
	return len(tasks)
}

func TestUnknownMethodsAndServicesAreUnimplemented(t *testing.T) {
	conn := newNode(t).connection()
	for _, method := range []string{"/hashicorp.nomad.plugins.drivers.proto.Driver/Fly", "/no.such.Service/Call"} {
		err := conn.Invoke(context.Background(), method, &emptypb.Empty{}, &emptypb.Empty{})
		must.Eq(t, codes.Unimplemented, status.Code(err))
	}
}

func TestHealthService(t *testing.T) {
	client := grpc_health_v1.NewHealthClient(newNode(t).connection())
	answer, err := client.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	must.NoError(t, err)
	must.Eq(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.Status)
}

func TestMessagesHaveNoLimit(t *testing.T) {
	n := newNode(t)
	client := proto.NewDriverClient(n.connection())
	_, err := client.StartTask(context.Background(), &proto.StartTaskRequest{Task: &proto.TaskConfig{
		Id: "large", Env: map[string]string{"LARGE": strings.Repeat("x", 32<<20)}}})
	must.NotEq(t, codes.ResourceExhausted, status.Code(err), must.Sprint("refused for its content, not its size"))
	must.Error(t, err)
}

func TestThousandsOfOpenCallsOnFewThreads(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("sleep 60")).mustStart()
	client := proto.NewDriverClient(n.connection())
	ctx, cancel := context.WithCancel(context.Background())
	const calls = 2000
	done := make(chan codes.Code, calls)
	for range calls {
		go func() {
			_, err := client.WaitTask(ctx, &proto.WaitTaskRequest{TaskId: task.config.ID})
			done <- status.Code(err)
		}()
	}
	time.Sleep(500 * time.Millisecond)
	_, err := n.driver.InspectTask(task.config.ID)
	must.NoError(t, err)
	must.LessEq(t, 12, n.threads(), must.Sprint("gRPC's own included"))
	cancel()
	for range calls {
		must.Eq(t, codes.Canceled, <-done)
	}
}

// The agent calls these from 2.0.4 on.
func TestInitAndShutdown(t *testing.T) {
	n := newNode(t)
	conn := n.connection()
	for _, method := range []string{"Init", "Shutdown"} {
		must.NoError(t, conn.Invoke(context.Background(), "/hashicorp.nomad.plugins.drivers.proto.Driver/"+method,
			&emptypb.Empty{}, &emptypb.Empty{}))
	}
}

func TestTheClientKeepsTheNetwork(t *testing.T) {
	client := proto.NewDriverClient(newNode(t).connection())
	answer, err := client.CreateNetwork(context.Background(), &proto.CreateNetworkRequest{AllocId: "a"})
	must.NoError(t, err)
	must.Nil(t, answer.IsolationSpec)
	_, err = client.DestroyNetwork(context.Background(), &proto.DestroyNetworkRequest{AllocId: "a"})
	must.NoError(t, err)
}

func TestOnlyWhatMayMendItselfIsRecoverable(t *testing.T) {
	n := launch(t, tempDir(t))
	state := filepath.Join(n.dir, "state")
	must.NoError(t, os.Mkdir(state, 0o700))
	must.NoError(t, unix.Mount("tmpfs", state, "tmpfs", 0, "nr_inodes=4")) // a disk that is full at once
	t.Cleanup(func() { must.NoError(t, unix.Unmount(state, unix.MNT_DETACH)) })
	must.NoError(t, n.configure(n.defaults()))
	err := n.newTask(shell("true")).start()
	must.ErrorContains(t, err, "No space left on device")
	must.True(t, isRecoverable(err))

	config := shell("true")
	config["rootfs"] = "preloaded:none"
	err = n.newTask(config).start()
	must.Error(t, err)
	must.False(t, isRecoverable(err))
}

func isRecoverable(err error) bool {
	recoverable, ok := err.(interface{ IsRecoverable() bool })
	return ok && recoverable.IsRecoverable()
}

func TestAChangeOfTheNodeIsFingerprintedAtOnce(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stream, err := n.driver.Fingerprint(ctx)
	must.NoError(t, err)
	must.Eq(t, drivers.HealthStateHealthy, (<-stream).Health)
	config := n.defaults()
	config["enabled"] = false
	must.NoError(t, n.configure(config))
	must.Eq(t, drivers.HealthStateUndetected, (<-stream).Health)
}

func TestPluginTypesAreThoseOfTheBasePlugin(t *testing.T) {
	info, err := launch(t, tempDir(t)).base.PluginInfo()
	must.NoError(t, err)
	must.Eq(t, base.PluginTypeDriver, info.Type)
	must.NotEq(t, "", info.PluginVersion)
}
