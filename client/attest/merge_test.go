package attest

import (
	"reflect"
	"slices"
	"testing"
)

// filled sets every field below v, to a value that depends on seed.
func filled(t *testing.T, v reflect.Value, seed int) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(t, v.Elem(), seed)
	case reflect.Struct:
		for i := range v.NumField() {
			filled(t, v.Field(i), seed)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(t, v.Index(0), seed)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": string(rune('a' + seed))}))
	case reflect.String:
		v.SetString(string(rune('a' + seed)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(uint64(1 + seed))
	default:
		t.Fatalf("a policy has a field of the kind %s", v.Kind())
	}
}

func filledPolicy(t *testing.T, seed int) Policy {
	t.Helper()
	var p Policy
	filled(t, reflect.ValueOf(&p).Elem(), seed)
	return p
}

// Every field of either policy arrives, also one that is added later.
func TestMergeTakesEveryField(t *testing.T) {
	base, over := filledPolicy(t, 0), filledPolicy(t, 1)
	for name, test := range map[string]struct{ base, over, want Policy }{
		"nothing over a policy":       {base, Policy{}, base},
		"a policy over nothing":       {Policy{}, over, over},
		"empty sections":              {base, Policy{HPCR: &HPCR{}, TDX: &TDX{}, SEVSNP: &SEVSNP{}}, base},
		"over empty sections":         {Policy{HPCR: &HPCR{}, TDX: &TDX{}, SEVSNP: &SEVSNP{}}, over, over},
		"each of them":                {base, over, over},
		"one field":                   {base, Policy{HPCR: &HPCR{Contract: "c"}}, withContract(base, "c")},
		"neither":                     {Policy{}, Policy{}, Policy{}},
		"kinds and another's section": {Policy{TDX: base.TDX}, Policy{Require: over.Require}, Policy{Require: over.Require, TDX: base.TDX}},
	} {
		if got := test.base.Merge(test.over); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	if !reflect.DeepEqual(base, filledPolicy(t, 0)) || !reflect.DeepEqual(over, filledPolicy(t, 1)) {
		t.Error("Merge changed a policy")
	}
}

func withContract(p Policy, path string) Policy {
	hpcr := *p.HPCR
	hpcr.Contract = path
	p.HPCR = &hpcr
	return p
}

// The requirements for kernel and command line are changed only in the sections that a
// policy has.
func TestMeasurementsOfPolicy(t *testing.T) {
	both := Policy{TDX: &TDX{MRTD: Hex{1}}, SEVSNP: &SEVSNP{Measurement: Hex{2}}}
	firmware, hashes := both.WithFirmwareOnly(), both.WithKernelHashes()
	if !firmware.TDX.FirmwareOnly || !firmware.SEVSNP.FirmwareOnly || firmware.SEVSNP.KernelHashes {
		t.Errorf("firmware only: %+v, %+v", firmware.TDX, firmware.SEVSNP)
	}
	if hashes.TDX.FirmwareOnly || hashes.SEVSNP.FirmwareOnly || !hashes.SEVSNP.KernelHashes {
		t.Errorf("kernel hashes: %+v, %+v", hashes.TDX, hashes.SEVSNP)
	}
	if again := hashes.WithFirmwareOnly().SEVSNP; !again.FirmwareOnly || again.KernelHashes {
		t.Errorf("firmware only after kernel hashes: %+v", again)
	}
	if both.TDX.FirmwareOnly || both.SEVSNP.FirmwareOnly || !slices.Equal(both.TDX.MRTD, Hex{1}) {
		t.Errorf("the policy was changed: %+v, %+v", both.TDX, both.SEVSNP)
	}
	for name, p := range map[string]Policy{"firmware": Policy{}.WithFirmwareOnly(), "hashes": Policy{}.WithKernelHashes()} {
		if !reflect.DeepEqual(p, Policy{}) {
			t.Errorf("%s: an empty policy became %+v", name, p)
		}
	}
}
