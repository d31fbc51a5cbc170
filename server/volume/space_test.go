package volume

import "testing"

func TestSpace(t *testing.T) {
	v, err := Open(t.TempDir(), reversing{})
	if err != nil {
		t.Fatal(err)
	}
	free, size, err := v.Space()
	if err != nil || size == 0 || free > size {
		t.Errorf("%d bytes of %d are free, %v", free, size, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v.dir += "/gone"
	if _, _, err := v.Space(); err == nil {
		t.Error("a volume that is gone has space")
	}
}
