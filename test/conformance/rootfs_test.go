package conformance

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/shoenig/test/must"
)

// withRootfs is a node whose rootfs "own" is at path.
func withRootfs(t *testing.T, path string) *node {
	t.Helper()
	return newNode(t, settings{"preloaded_rootfs": settings{"own": path}})
}

func own(config settings) settings {
	config["rootfs"] = "preloaded:own"
	return config
}

func ownRootfs(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(tempDir(t), "rootfs")
	must.NoError(t, os.Mkdir(dir, 0o755))
	makeRootfs(t, dir)
	return dir
}

func TestRootfsFromArchives(t *testing.T) {
	dir := ownRootfs(t)
	for _, form := range []struct{ name, flags string }{{"a.tar", "-cf"}, {"a.tar.gz", "-czf"}} {
		path := filepath.Join(tempDir(t), form.name)
		must.NoError(t, exec.Command("tar", form.flags, path, "-C", dir, ".").Run())
		n := withRootfs(t, path)
		var group sync.WaitGroup
		for range 4 { // all at once: one unpacks
			group.Go(func() { must.Eq(t, "2000\n", n.output(own(shell("stat -c %u /home/vcap")))) })
		}
		group.Wait()
		trees, err := filepath.Glob(filepath.Join(n.dir, "state/rootfs/*-*"))
		must.NoError(t, err)
		must.Len(t, 1, trees)
	}
}

func TestUnknownRootfsNamesWhatThereIs(t *testing.T) {
	config := shell("true")
	config["rootfs"] = "preloaded:none"
	must.ErrorContains(t, newNode(t).newTask(config).start(),
		`this node has no preloaded rootfs "none" (it has: busybox)`)
}

func TestMissingRootfsNamesThePath(t *testing.T) {
	must.ErrorContains(t, withRootfs(t, "/nonexistent/tree").newTask(own(shell("true"))).start(),
		"rootfs preloaded:own: cannot open /nonexistent/tree: No such file or directory")
}

func TestALinkInThePlaceOfAStandardMountIsRefused(t *testing.T) {
	for _, name := range []string{"proc", "dev", "sys"} {
		dir := ownRootfs(t)
		must.NoError(t, os.Symlink("/tmp", filepath.Join(dir, name)))
		must.ErrorContains(t, withRootfs(t, dir).newTask(own(shell("true"))).start(),
			"rootfs preloaded:own: cannot open "+name+": it is, or leads through, a symbolic link")
	}
}

func TestALinkInThePlaceOfThePasswordFileIsRefused(t *testing.T) {
	dir := ownRootfs(t)
	must.NoError(t, os.Remove(filepath.Join(dir, "etc/passwd")))
	must.NoError(t, os.Symlink("/etc/shadow", filepath.Join(dir, "etc/passwd")))
	_, result := withRootfs(t, dir).run(own(shell("true")))
	must.Eq(t, 1, result.ExitCode)
	must.StrContains(t, exitError(result), "/etc/passwd: it is, or leads through, a symbolic link")
}

func TestALinkInThePlaceOfAWrittenFileIsReplaced(t *testing.T) {
	dir := ownRootfs(t)
	victim := filepath.Join(tempDir(t), "victim")
	must.NoError(t, os.WriteFile(victim, []byte("untouched"), 0o644))
	must.NoError(t, os.Symlink(victim, filepath.Join(dir, "etc/hosts")))
	must.StrContains(t, withRootfs(t, dir).output(own(shell("cat /etc/hosts"))), "localhost")
	content, err := os.ReadFile(victim)
	must.NoError(t, err)
	must.Eq(t, "untouched", string(content))
}

// archive is a tar with one hostile entry.
func archive(t *testing.T, header tar.Header) string {
	t.Helper()
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	must.NoError(t, writer.WriteHeader(&header))
	must.NoError(t, writer.Close())
	path := filepath.Join(tempDir(t), "hostile.tar")
	must.NoError(t, os.WriteFile(path, buffer.Bytes(), 0o644))
	return path
}

func TestAHostileArchiveIsRefused(t *testing.T) {
	for _, header := range []tar.Header{
		{Name: "../../escape", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "a/../../escape", Typeflag: tar.TypeDir, Mode: 0o755},
	} {
		must.ErrorContains(t, withRootfs(t, archive(t, header)).newTask(own(shell("true"))).start(),
			"leads out of the archive")
	}
	must.ErrorContains(t, withRootfs(t, archive(t, tar.Header{Name: "x", Typeflag: tar.TypeLink,
		Linkname: "/../../etc/shadow"})).newTask(own(shell("true"))).start(), "leads out of the archive")
}

func TestADamagedArchiveIsRefused(t *testing.T) {
	path := filepath.Join(tempDir(t), "a.tar.gz")
	must.NoError(t, os.WriteFile(path, []byte("not an archive"), 0o644))
	n := withRootfs(t, path)
	must.ErrorContains(t, n.newTask(own(shell("true"))).start(), "cannot unpack "+path)
	trees, err := filepath.Glob(filepath.Join(n.dir, "state/rootfs/*-*"))
	must.NoError(t, err)
	must.Len(t, 0, trees)
}
