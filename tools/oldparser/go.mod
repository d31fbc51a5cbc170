module github.com/opensbs/sbs/tools/oldparser

go 1.26.0

require github.com/moby/buildkit v0.8.3

require (
	github.com/containerd/typeurl v1.0.1 // indirect
	github.com/gogo/protobuf v1.3.1 // indirect
	github.com/golang/protobuf v1.4.2 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	google.golang.org/protobuf v1.24.0 // indirect
)
