package buildkit

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	policypb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/moby/buildkit/sourcepolicy/policysession"

	"github.com/opensbs/sbs/server/builder"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// ask is one question of BuildKit. It follows conversions as BuildKit does, and returns
// the last action and the source that BuildKit is left with.
func ask(t *testing.T, p *policy, op *pb.SourceOp) (policypb.PolicyAction, *pb.SourceOp) {
	t.Helper()
	for range 10 {
		response, meta, err := p.check(t.Context(), &policysession.CheckPolicyRequest{Source: &gateway.ResolveSourceMetaResponse{Source: op}})
		if err != nil || meta != nil {
			t.Fatalf("the callback returns %v and %v", meta, err)
		}
		if response.GetAction() != policypb.PolicyAction_CONVERT {
			return response.GetAction(), op
		}
		op = response.GetUpdate()
	}
	t.Fatal("ten conversions of one source")
	return 0, nil
}

func fixed(d builder.Decision, err error) func(context.Context, builder.Source) (builder.Decision, error) {
	return func(context.Context, builder.Source) (builder.Decision, error) { return d, err }
}

func TestDecisions(t *testing.T) {
	const name = "docker-image://docker.io/library/alpine:3.20"
	allow := builder.Decision{Allow: true}
	byA := builder.Decision{Allow: true, Digest: digestA}
	broken := errors.New("the registry is down")
	cases := map[string]struct {
		op      *pb.SourceOp
		decide  func(context.Context, builder.Source) (builder.Decision, error)
		want    policypb.PolicyAction
		becomes string // the identifier at the end
		refusal string
	}{
		"no policy":                {&pb.SourceOp{Identifier: name}, nil, policypb.PolicyAction_ALLOW, name, ""},
		"what the name leads to":   {&pb.SourceOp{Identifier: name}, fixed(allow, nil), policypb.PolicyAction_ALLOW, name, ""},
		"by digest":                {&pb.SourceOp{Identifier: name}, fixed(byA, nil), policypb.PolicyAction_ALLOW, name + "@" + digestA, ""},
		"the same digest":          {&pb.SourceOp{Identifier: name + "@" + digestA}, fixed(byA, nil), policypb.PolicyAction_ALLOW, name + "@" + digestA, ""},
		"another digest":           {&pb.SourceOp{Identifier: name + "@" + digestB}, fixed(byA, nil), policypb.PolicyAction_DENY, "", "another digest"},
		"refused":                  {&pb.SourceOp{Identifier: name}, fixed(builder.Decision{Reason: "not signed"}, nil), policypb.PolicyAction_DENY, "", "not signed"},
		"refused with a digest":    {&pb.SourceOp{Identifier: name}, fixed(builder.Decision{Digest: digestA, Reason: "not signed"}, nil), policypb.PolicyAction_DENY, "", "not signed"},
		"error":                    {&pb.SourceOp{Identifier: name}, fixed(byA, broken), policypb.PolicyAction_DENY, "", "the registry is down"},
		"panic":                    {&pb.SourceOp{Identifier: name}, func(context.Context, builder.Source) (builder.Decision, error) { panic("fault") }, policypb.PolicyAction_DENY, "", "fault"},
		"not a digest":             {&pb.SourceOp{Identifier: name}, fixed(builder.Decision{Allow: true, Digest: "latest"}, nil), policypb.PolicyAction_DENY, "", "not a digest"},
		"a short name":             {&pb.SourceOp{Identifier: "docker-image://alpine"}, fixed(allow, nil), policypb.PolicyAction_DENY, "", "not the full one"},
		"a name in capitals":       {&pb.SourceOp{Identifier: "docker-image://docker.io/library/Alpine:1"}, fixed(allow, nil), policypb.PolicyAction_DENY, "", "image reference"},
		"no identifier":            {&pb.SourceOp{}, fixed(allow, nil), policypb.PolicyAction_DENY, "", "without a name"},
		"no operation":             {nil, fixed(allow, nil), policypb.PolicyAction_DENY, "", "without a name"},
		"the context":              {&pb.SourceOp{Identifier: "local://context"}, fixed(builder.Decision{}, nil), policypb.PolicyAction_ALLOW, "local://context", ""},
		"a blob":                   {&pb.SourceOp{Identifier: "docker-image+blob://x@" + digestA}, fixed(builder.Decision{Reason: "no"}, nil), policypb.PolicyAction_DENY, "", "other docker-image+blob://"},
		"a repository":             {&pb.SourceOp{Identifier: "git://x.example/r.git#main"}, fixed(allow, nil), policypb.PolicyAction_ALLOW, "git://x.example/r.git#main", ""},
		"a repository by a digest": {&pb.SourceOp{Identifier: "git://x.example/r.git"}, fixed(byA, nil), policypb.PolicyAction_DENY, "", "can't be checked"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPolicy(t.Context(), test.decide)
			action, op := ask(t, p, test.op)
			if action != test.want || test.becomes != "" && op.GetIdentifier() != test.becomes {
				t.Errorf("%v, %v; want %v, %s", action, op, test.want, test.becomes)
			}
			switch refusal := p.refusal(); {
			case test.refusal == "" && refusal != nil:
				t.Errorf("refused: %v", refusal)
			case test.refusal != "" && (refusal == nil || !strings.Contains(refusal.Error(), test.refusal)):
				t.Errorf("the refusal is %v", refusal)
			}
		})
	}
}

// TestErrorsOfDecideKeepTheirKind: the pipeline distinguishes a registry that is down
// from an image that is refused.
func TestErrorsOfDecideKeepTheirKind(t *testing.T) {
	p := newPolicy(t.Context(), fixed(builder.Decision{}, builder.ErrUnauthorized))
	ask(t, p, &pb.SourceOp{Identifier: "docker-image://docker.io/library/alpine:3.20"})
	if !errors.Is(p.refusal(), builder.ErrUnauthorized) {
		t.Errorf("the refusal is %v", p.refusal())
	}
}

// TestOneDecisionForEachSource: a source that is asked about again, by its name or by
// what its name was replaced with, is not decided again; another digest of it is.
func TestOneDecisionForEachSource(t *testing.T) {
	const name = "docker-image://docker.io/library/alpine:3.20"
	var calls atomic.Int32
	p := newPolicy(t.Context(), func(_ context.Context, source builder.Source) (builder.Decision, error) {
		calls.Add(1)
		return builder.Decision{Allow: true, Digest: digestA}, nil
	})
	for _, identifier := range []string{name, name, name + "@" + digestA} {
		if action, op := ask(t, p, &pb.SourceOp{Identifier: identifier}); action != policypb.PolicyAction_ALLOW || op.GetIdentifier() != name+"@"+digestA {
			t.Errorf("%s: %v, %v", identifier, action, op)
		}
	}
	if calls.Load() != 1 {
		t.Errorf("decided %d times", calls.Load())
	}
	if action, _ := ask(t, p, &pb.SourceOp{Identifier: name + "@" + digestB}); action != policypb.PolicyAction_DENY || calls.Load() != 2 {
		t.Errorf("another digest: %v after %d decisions", action, calls.Load())
	}
}

func TestDigestOfADownload(t *testing.T) {
	const url = "https://files.example/a.tar"
	p := newPolicy(t.Context(), fixed(builder.Decision{Allow: true, Digest: digestA}, nil))
	action, op := ask(t, p, &pb.SourceOp{Identifier: url, Attrs: map[string]string{pb.AttrHTTPFilename: "a.tar"}})
	if action != policypb.PolicyAction_ALLOW || op.GetAttrs()[pb.AttrHTTPChecksum] != digestA || op.GetAttrs()[pb.AttrHTTPFilename] != "a.tar" {
		t.Errorf("%v, %v", action, op)
	}
	if action, _ := ask(t, p, &pb.SourceOp{Identifier: url, Attrs: map[string]string{pb.AttrHTTPChecksum: digestB}}); action != policypb.PolicyAction_DENY {
		t.Errorf("another digest: %v", action)
	}
}

func TestNamesOfRepositories(t *testing.T) {
	source, err := sourceOf(&pb.SourceOp{Identifier: "git://git.example/r.git#main:sub", Attrs: map[string]string{pb.AttrFullRemoteURL: "ssh://git@git.example/r.git"}})
	if want := (builder.Source{Kind: builder.SourceGit, Name: "ssh://git@git.example/r.git#main:sub"}); err != nil || source != want {
		t.Errorf("%v, error %v", source, err)
	}
}

func TestConfirm(t *testing.T) {
	allow := func(digest string) *decision {
		return &decision{Decision: builder.Decision{Allow: true, Digest: digest}}
	}
	image := func(name string) builder.Source { return builder.Source{Kind: builder.SourceImage, Name: name} }
	used := []builder.BaseImage{{Reference: "r.example/a:1", Digest: digestA}}
	file := []builder.Download{{URL: "https://f.example/x", Digest: digestA}}
	cases := map[string]struct {
		decided map[builder.Source]*decision
		images  []builder.BaseImage
		files   []builder.Download
		ok      bool
	}{
		"by its digest":       {map[builder.Source]*decision{image("r.example/a:1"): allow(digestA)}, used, nil, true},
		"whatever it is":      {map[builder.Source]*decision{image("r.example/a:1"): allow("")}, used, nil, true},
		"named by digest":     {map[builder.Source]*decision{image("r.example/a:1@" + digestA): allow("")}, used, nil, true},
		"another digest":      {map[builder.Source]*decision{image("r.example/a:1"): allow(digestB)}, used, nil, false},
		"another name":        {map[builder.Source]*decision{image("r.example/b:1"): allow("")}, used, nil, false},
		"refused":             {map[builder.Source]*decision{image("r.example/a:1"): {}}, used, nil, false},
		"a file":              {map[builder.Source]*decision{{Kind: builder.SourceHTTP, Name: "https://f.example/x"}: allow(digestA)}, nil, file, true},
		"a file with secrets": {map[builder.Source]*decision{{Kind: builder.SourceHTTP, Name: "https://u:p@f.example/x"}: allow("")}, nil, []builder.Download{{URL: "https://xxxxx:xxxxx@f.example/x"}}, true},
		"another file":        {map[builder.Source]*decision{{Kind: builder.SourceHTTP, Name: "https://f.example/y"}: allow("")}, nil, file, false},
		"other content":       {map[builder.Source]*decision{{Kind: builder.SourceHTTP, Name: "https://f.example/x"}: allow(digestB)}, nil, file, false},
		"a repository":        {map[builder.Source]*decision{{Kind: builder.SourceGit, Name: "https://f.example/x"}: allow("")}, nil, file, true},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPolicy(t.Context(), fixed(builder.Decision{}, nil))
			p.decided = test.decided
			if err := p.confirm(test.images, test.files); (err == nil) != test.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}
