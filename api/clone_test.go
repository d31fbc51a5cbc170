package api

import (
	"reflect"
	"testing"
)

// Each list and each map of the parameters is another one in the copy, also those of
// parameters that are added later.
func TestCloneSharesNothing(t *testing.T) {
	var p Parameters
	original := reflect.ValueOf(&p).Elem()
	shareable := 0
	for i := range original.NumField() {
		switch value := original.Field(i); value.Kind() {
		case reflect.Slice:
			value.Set(reflect.MakeSlice(value.Type(), 1, 1))
			shareable++
		case reflect.Map:
			value.Set(reflect.MakeMap(value.Type()))
			value.SetMapIndex(reflect.ValueOf("name"), reflect.ValueOf("value"))
			shareable++
		case reflect.String, reflect.Bool, reflect.Int, reflect.Struct:
		default:
			t.Errorf("%s is a %s: Clone and this test do not know it", original.Type().Field(i).Name, value.Kind())
		}
	}
	if shareable == 0 {
		t.Fatal("nothing can be shared")
	}
	clone := reflect.ValueOf(p.Clone())
	if !reflect.DeepEqual(p, clone.Interface()) {
		t.Errorf("the copy is %+v", clone)
	}
	for i := range original.NumField() {
		switch kind := original.Field(i).Kind(); kind {
		case reflect.Slice, reflect.Map:
			if original.Field(i).Pointer() == clone.Field(i).Pointer() {
				t.Errorf("%s is shared", original.Type().Field(i).Name)
			}
		}
	}
}
