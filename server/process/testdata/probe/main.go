// Command probe is a confined child that was taken over, and its parent: the child
// tries to get out in every known way, and reports what worked.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opensbs/sbs/server/process"
)

// targets are what an attacker would want, as the test made them.
type targets struct {
	Secret  string // a file of the server
	Address string // of a service on the loopback interface
	PID     int    // of the parent
}

func main() {
	var err error
	switch os.Args[1] {
	case process.Argument:
		err = process.Main(os.Args[2:], map[string]func() error{
			"attack": func() error { return attack(nil) }, "fill": fill, "hang": hang, "babble": babble, "grow": grow, "echo": echo,
			"fail": func() error { return fmt.Errorf("it is %s odd", strings.Repeat("very ", 10_000)) },
		})
	case "no-sys-admin": // as root in a container without privileges
		if err = unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0); err == nil {
			err = unix.Exec(os.Args[2], append([]string{os.Args[2], "parent"}, os.Args[2:]...), nil)
		}
	case "unconfined": // NAME...: shows that these attacks are real, which must be harmless
		err = attack(os.Args[2:])
	case "victim":
		err = hang()
	case "parent": // PROGRAM SECRET ADDRESS TASK SCRATCH
		err = parent(os.Args[2], targets{os.Args[3], os.Args[4], os.Getpid()}, os.Args[5], os.Args[6])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parent(program string, wanted targets, task, scratch string) error {
	sandbox, err := process.NewSandbox(context.Background(), program)
	if err != nil {
		return err
	}
	input, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(sandbox.Missing()); err != nil {
		return err
	}
	return sandbox.Run(context.Background(), process.Task{
		Name: task, Input: strings.NewReader(string(input)), Scratch: scratch,
		Limits: process.Limits{Time: time.Minute, Memory: 1 << 30, File: 1 << 20},
	}, func(output io.Reader) error {
		_, err := io.Copy(os.Stdout, io.LimitReader(output, 1<<20))
		return err
	})
}

// attack tries everything, or what is named, and writes one line for each thing
// that worked.
func attack(names []string) error {
	var wanted targets
	if err := json.NewDecoder(os.Stdin).Decode(&wanted); err != nil {
		return err
	}
	for name, try := range map[string]func() error{
		"read a file of the system":  func() error { return readable("/etc/passwd") },
		"read a file by the way up":  func() error { return readable("../../../../../../etc/passwd") },
		"read a file of the server":  func() error { return readable(wanted.Secret) },
		"see processes":              func() error { return readable("/proc/self/status") },
		"list the root folder":       listRoot,
		"open a device":              func() error { return readable("/dev/null") },
		"connect to a loopback port": func() error { return connect("tcp", wanted.Address) },
		"make an internet socket":    func() error { return socket(unix.AF_INET) },
		"make a local socket":        func() error { return socket(unix.AF_UNIX) },
		"make a netlink socket":      func() error { return socket(unix.AF_NETLINK) },
		"signal the parent":          func() error { return unix.Kill(wanted.PID, 0) },
		"signal a thread of it":      func() error { return unix.Tgkill(wanted.PID, wanted.PID, 0) },
		"trace the parent":           func() error { return unix.PtraceSeize(wanted.PID) },
		"read the parent's memory":   func() error { return readMemory(wanted.PID) },
		"open the parent":            func() error { return openProcess(wanted.PID) },
		"hold a capability":          capability,
		"mount":                      func() error { return unix.Mount("none", "/", "tmpfs", 0, "") },
		"make a user namespace":      func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
		"run a program":              func() error { return unix.Exec("/bin/true", []string{"true"}, nil) },
		"start a process":            fork,
		"raise a limit": func() error {
			return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 4096, Max: 4096})
		},
		"outlive the parent":    func() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0) },
		"load a BPF program":    func() error { return number(unix.SYS_BPF) },
		"use io_uring":          func() error { return number(unix.SYS_IO_URING_SETUP) },
		"see the environment":   environment,
		"find a file left open": openFiles,
		"write to the root":     func() error { return os.WriteFile("/written", []byte("x"), 0o600) },
	} {
		if (len(names) == 0 || slices.Contains(names, name)) && try() == nil {
			fmt.Println(name)
		}
	}
	if len(names) == 0 && unix.Setreuid(1, 1) == nil { // last, as it takes privileges away
		fmt.Println("become another user")
	}
	return nil
}

func readable(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return file.Close()
}

func listRoot() error {
	entries, err := os.ReadDir("/")
	if err == nil && len(entries) == 0 {
		return os.ErrNotExist
	}
	return err
}

func connect(network, address string) error {
	connection, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return err
	}
	return connection.Close()
}

func socket(family int) error {
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func openProcess(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func readMemory(pid int) error {
	into := make([]byte, 8)
	_, err := unix.ProcessVMReadv(pid, []unix.Iovec{{Base: &into[0], Len: 8}}, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
	return err
}

func capability() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	if data == ([2]unix.CapUserData{}) {
		return os.ErrPermission
	}
	return nil
}

func fork() error {
	_, err := os.StartProcess("/bin/true", nil, &os.ProcAttr{})
	return err
}

func number(call uintptr) error {
	// EFAULT and EINVAL come from a call that was let through.
	_, _, errno := unix.Syscall(call, 0, 0, 0)
	if errno == unix.EPERM || errno == unix.ENOSYS {
		return errno
	}
	return nil
}

func environment() error {
	if len(os.Environ()) == 0 {
		return os.ErrNotExist
	}
	return nil
}

// openFiles returns an error for open regular files and folders other than the standard
// ones and those of the cgroup, which Go reads.
func openFiles() error {
	for fd := 3; fd < 256; fd++ {
		var status unix.Stat_t
		var system unix.Statfs_t
		if unix.Fstat(fd, &status) != nil || unix.Fstatfs(fd, &system) != nil {
			continue
		}
		kind := status.Mode & unix.S_IFMT
		cgroup := system.Type == unix.CGROUP2_SUPER_MAGIC || system.Type == unix.CGROUP_SUPER_MAGIC
		if (kind == unix.S_IFREG || kind == unix.S_IFDIR || kind == unix.S_IFSOCK) && !cgroup && system.Type != unix.ANON_INODE_FS_MAGIC {
			return nil
		}
	}
	return os.ErrNotExist
}

// fill writes a file to the scratch folder, and one that is too large.
func fill() error {
	if err := os.WriteFile("file", []byte("left"), 0o600); err != nil {
		return err
	}
	return os.Mkdir("folder", 0o700)
}

func hang() error {
	fmt.Println("hanging")
	for { // an empty select would be reported as a deadlock
		_ = unix.Pause()
	}
}

func babble() error {
	for {
		if _, err := fmt.Println(strings.Repeat(" ", 1<<20)); err != nil {
			return nil
		}
	}
}

// grow allocates until it may not. It does not touch the pages: the limit counts what is
// allocated, and a busy machine takes long to find the memory itself.
func grow() error {
	for {
		held = append(held, make([]byte, 64<<20))
	}
}

var held [][]byte

func echo() error {
	_, err := io.Copy(os.Stdout, os.Stdin)
	return err
}
