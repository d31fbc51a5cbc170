package scan

// Which files of an image are looked into, and by whom. Lock files and other
// wishes of developers are not among them: an image has what is installed.

import (
	"fmt"
	"io/fs"
	"path"

	config "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagejson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	"github.com/google/osv-scalibr/extractor/filesystem/os/pacman"
	"github.com/google/osv-scalibr/extractor/filesystem/os/rpm"
)

// reader is one extractor.
type reader struct {
	filesystem.Extractor
	distribution bool // it reads the database of a distribution
}

func readers() ([]reader, error) {
	var all []reader
	for _, kind := range []struct {
		make         func(*config.PluginConfig) (filesystem.Extractor, error)
		distribution bool
	}{
		{dpkg.New, true},
		{apk.New, true},
		{rpm.New, true},
		{pacman.New, true},
		{gobinary.New, false},
		{cargoauditable.New, false},
		{packagejson.New, false},
		{wheelegg.New, false},
		{archive.New, false},
		{gemspec.New, false},
		{depsjson.New, false},
	} {
		extractor, err := kind.make(&config.PluginConfig{})
		if err != nil {
			return nil, fmt.Errorf("prepare the extractors: %w", err)
		}
		all = append(all, reader{extractor, kind.distribution})
	}
	return all, nil
}

// besides are files that extractors look at on their way.
func besides(name string) bool {
	switch name {
	case "etc/os-release", "usr/lib/os-release":
		return true
	}
	// An SQLite database may have its last changes in a file next to it.
	return path.Base(name) == "rpmdb.sqlite-wal"
}

// wanting are those that want to read a file.
func wanting(all []reader, name string, info fs.FileInfo) []reader {
	var some []reader
	for _, r := range all {
		if r.FileRequired(asked{name, info}) {
			some = append(some, r)
		}
	}
	return some
}

// asked is a file for FileRequired.
type asked struct {
	name string
	info fs.FileInfo
}

func (a asked) Path() string               { return a.name }
func (a asked) Stat() (fs.FileInfo, error) { return a.info, nil }
