package atomicfile

// syncFolder does nothing: Windows opens no folder to be synced, and NTFS writes
// renames to its journal.
func syncFolder(string) error { return nil }
