//go:build linux

package main

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/volume"
)

// storeHistory stores three builds from before on the volume in folder: a success with
// a large manifest and log, one whose record is damaged, and a failure.
func storeHistory(data *volume.Volume, folder string) error {
	for days, build := range []struct {
		status  string
		took    time.Duration
		damaged bool
	}{
		{status: api.StatusSuccess, took: 1250 * time.Millisecond},
		{status: api.StatusSuccess, damaged: true},
		{status: api.FailureStatus("docker push x"), took: time.Minute},
	} {
		started := firstStart.AddDate(0, 0, -1-days)
		stored, err := data.Builds().Create(started.Format(volume.IDLayout))
		if err != nil {
			return err
		}
		r := record.Record{
			ID: stored.ID(), Status: build.status, BuildName: "docker.io.ns.name.v1-ad52e76." + stored.ID(), Repository: "docker.io/ns/name",
			Started: started, Finished: started.Add(build.took),
		}
		if build.status == api.StatusSuccess && !build.damaged {
			r.ImageDigest = imageDigest
			if err := storeOutputs(stored, r.BuildName); err != nil {
				return err
			}
		}
		content, err := record.Encode(r)
		if err != nil {
			return err
		}
		if err := stored.SaveRecord(content); err != nil {
			return err
		}
		if build.damaged {
			if err := os.Truncate(filepath.Join(folder, "builds", stored.ID(), "record.json"), 10); err != nil {
				return err
			}
		}
	}
	return nil
}

// storeOutputs stores a manifest of 3 MiB and a log of 1 MiB, which no file system can
// compress.
func storeOutputs(stored volume.Build, buildName string) error {
	file, err := stored.CreateManifest(manifest.SignedName(manifest.Name(buildName)))
	if err != nil {
		return err
	}
	if _, err := io.CopyN(file, rand.Reader, 3<<20); err != nil {
		return errors.Join(err, file.Discard())
	}
	if err := file.Commit(); err != nil {
		return err
	}
	log, err := stored.CreateLog()
	if err != nil {
		return err
	}
	_, err = io.CopyN(log, rand.Reader, 1<<20)
	return errors.Join(err, log.Sync(), log.Close())
}
