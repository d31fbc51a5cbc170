package process

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// changeRoot leaves the file system of the server: for the folder of the settings,
// or for an empty file system. Without namespaces and without root it can't.
func (s settings) changeRoot() error {
	switch {
	case s.Confinement.Namespaces:
		return s.pivot()
	case s.Confinement.UID != 0:
		if err := unix.Chroot(s.Root); err != nil {
			return fmt.Errorf("chroot: %w", err)
		}
		return unix.Chdir("/")
	case s.Writable:
		return unix.Chdir(s.Root)
	}
	return nil
}

// pivot makes the folder the root of the mount namespace and takes everything
// else out of it: the old root is mounted over the new one, and unmounted.
func (s settings) pivot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("separate the mounts: %w", err)
	}
	root, flags := s.Root, uintptr(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
	if root == "" {
		root = "/proc" // a folder that is there; what is below it is not seen
		if err := unix.Mount("none", root, "tmpfs", flags|unix.MS_RDONLY, "size=4k,nr_inodes=1,mode=555"); err != nil {
			return fmt.Errorf("mount an empty file system: %w", err)
		}
	} else {
		if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount the scratch folder: %w", err)
		}
		if err := unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|flags, ""); err != nil {
			return fmt.Errorf("mount the scratch folder: %w", err)
		}
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the old root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	return nothingAbove()
}

// nothingAbove makes sure that the root has no parent, as it would have where
// something was mounted over the old one.
func nothingAbove() error {
	var root, above unix.Stat_t
	if err := unix.Stat("/", &root); err != nil {
		return err
	}
	if err := unix.Stat("/..", &above); err != nil {
		return err
	}
	if root.Dev != above.Dev || root.Ino != above.Ino {
		return errors.New("the old root can still be reached")
	}
	return nil
}
