package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
	"github.com/opensbs/sbs/client/config"
)

func bucketFlag() cli.Flag {
	return &cli.StringFlag{Name: "state-bucket-name", Usage: "`BUCKET` of the state image (default: STATE_BUCKET_NAME)"}
}

func (p program) getStateImage() *cli.Command {
	return command("get-state-image", "export the server's sealed state", `
Writes the server's state, which holds its signing keys, to a file that is named
after the latest build. Only a server of the same image opens it, and only with
this configuration's SECRET. With STATE_BUCKET_NAME or --state-bucket-name the
state goes to that bucket, and the file holds only what it is called there.

    sbs-cli get-state-image --env sbs-config.json`,
		p.withServer(func(c *cli.Context, server *client.Client, settings *config.Config) error {
			bucket := stateBucket(c, settings)
			image, err := server.StateImage(c.Context, bucket)
			if err != nil {
				return err
			}
			text, err := json.MarshalIndent(image, "", "    ")
			if err != nil {
				return fmt.Errorf("get-state-image: %w", err)
			}
			path := atomicfile.Name(image.Name)
			if err := atomicfile.Write(path, append(text, '\n'), 0o600); err != nil {
				return fmt.Errorf("get-state-image: %w", err)
			}
			if bucket != "" {
				p.inform("stored %s in bucket %s; keep SECRET as well as it", image.Name, bucket)
			}
			p.inform("wrote %s", path)
			if !c.Bool("json") {
				return nil
			}
			return p.printJSON(map[string]string{"file": path, "name": image.Name, "export_tag": image.ExportTag, "bucket": bucket})
		}), jsonFlag(), bucketFlag())
}

func (p program) postStateImage() *cli.Command {
	return command("post-state-image", "give a new server the state of another one", `
Brings a state image to a server of the same image: the file that get-state-image
wrote, or the object NAME in a bucket, for which the server must have been
initialised. A state that the server refuses changes nothing there. Run update
afterwards: passwords are not part of the state. Attestation is required as by
init.

    sbs-cli post-state-image --env sbs-config.json --state-image FILE
    sbs-cli post-state-image --env sbs-config.json --name NAME`,
		p.sendState, append(requireFlags(), jsonFlag(), bucketFlag(),
			&cli.StringFlag{Name: "state-image", Usage: "`FILE` that get-state-image wrote", TakesFile: true},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the object in the bucket"})...)
}

func (p program) sendState(c *cli.Context) error {
	file, name := c.String("state-image"), c.String("name")
	switch {
	case (file == "") == (name == ""):
		return usageError{errors.New("post-state-image takes either --state-image or --name"), "name the file that get-state-image wrote, or the object in the bucket"}
	case strings.ContainsAny(name, `/\`):
		return usageError{fmt.Errorf("--name %q has a path separator", name), "give the name alone, as get-state-image showed it"}
	}
	return p.withServer(p.importState)(c)
}

func (p program) importState(c *cli.Context, server *client.Client, settings *config.Config) (err error) {
	file, name := c.String("state-image"), c.String("name")
	if settings.Text("SECRET") == "" {
		return advice.New(errors.New("post-state-image: SECRET is missing in the configuration"), "take the SECRET of the server that made the state: only that opens it")
	}
	state := api.StateImport{Secret: api.Secret(settings.Text("SECRET")), Name: name}
	if file != "" {
		state.State, err = readState(file)
	} else {
		state.Bucket = stateBucket(c, settings)
	}
	if err != nil {
		return err
	}
	if err := p.requireAttestation(c, server, settings); err != nil {
		return err
	}
	answer, err := server.ImportState(c.Context, state)
	if err != nil {
		return err
	}
	p.inform("next: sbs-cli update, because passwords are not part of the state")
	return p.printJSON(answer)
}

func stateBucket(c *cli.Context, settings *config.Config) string {
	if bucket := c.String("state-bucket-name"); bucket != "" {
		return bucket
	}
	return settings.Text("STATE_BUCKET_NAME")
}

// readState reads the state from the file that get-state-image wrote.
func readState(path string) (state string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("state image: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err := io.ReadAll(io.LimitReader(file, api.MaxStateBody))
	if err != nil {
		return "", fmt.Errorf("state image: %w", err)
	}
	var image api.StateImage
	if err := json.Unmarshal(text, &image); err != nil {
		return "", advice.New(fmt.Errorf("state image: %s is not what get-state-image writes: %w", path, err), "name that file, or fetch it again")
	}
	if image.State == "" {
		return "", advice.New(fmt.Errorf("state image: %s holds only a name: the state went to a bucket", path), "give --name "+image.Name+" instead")
	}
	return image.State, nil
}
