package volume

import "testing"

func TestSpace(t *testing.T) {
	v, err := Open(t.TempDir(), reversing{})
	if err != nil {
		t.Fatal(err)
	}
	space, err := v.Space()
	if err != nil || space.Total == 0 || space.Free > space.Total || space.ReadOnly {
		t.Errorf("got %+v, %v", space, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v.dir += "/gone"
	if _, err := v.Space(); err == nil {
		t.Error("a volume that is gone has space")
	}
}
