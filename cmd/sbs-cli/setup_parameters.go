package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/config"
)

func (p program) initialise() *cli.Command {
	return command("init", "give a new server its parameters", `
Sends the parameters in the configuration to a server that has none yet. They
are checked here first. A server that has some takes changes by update. With
REQUIRE_ATTESTATION in the configuration, or --require-attestation, nothing is
sent before the server has shown that it is the enclave it should be.

    sbs-cli init --env sbs-config.json`,
		p.withCompleted(func(c *cli.Context, server *client.Client, settings *config.Config) error {
			parameters, err := settings.Parameters("")
			if err != nil {
				return err
			}
			if err := p.requireAttestation(c, server, settings); err != nil {
				return err
			}
			shown, err := p.warn(parameters)
			if err != nil {
				return err
			}
			answer, err := server.Init(c.Context, parameters)
			if err != nil {
				return err
			}
			p.warnOf(answer.Warnings, shown)
			p.inform("next: sbs-cli build --follow")
			return p.printJSON(answer)
		}), append(requireFlags(), jsonFlag())...)
}

func (p program) update() *cli.Command {
	return command("update", "replace the server's parameters", `
Sends the parameters in the configuration to a server that has been initialised.
With --new-secret a new SECRET is made, which replaces the old one on the server
and, when the server has taken it, in the configuration. State images that were
exported before can't be imported with the new one. Attestation is required as
by init.

    sbs-cli update --env sbs-config.json
    sbs-cli update --env sbs-config.json --new-secret`,
		p.withCompleted(p.sendUpdate), append(requireFlags(), jsonFlag(),
			&cli.BoolFlag{Name: "new-secret", Usage: "replace SECRET by a new one"})...)
}

func (p program) sendUpdate(c *cli.Context, server *client.Client, settings *config.Config) error {
	if err := p.requireAttestation(c, server, settings); err != nil {
		return err
	}
	rotation, err := p.rotation(settings, c.Bool("new-secret"))
	if err != nil {
		return err
	}
	newSecret := ""
	if rotation != nil {
		newSecret = rotation.NewSecret()
	}
	parameters, err := settings.Parameters(newSecret)
	if err != nil {
		return rollback(rotation, err)
	}
	shown, err := p.warn(parameters)
	if err != nil {
		return rollback(rotation, err)
	}
	answer, err := server.Update(c.Context, parameters)
	var refused *client.Error
	if errors.As(err, &refused) && refused.HTTPStatus >= 400 && refused.HTTPStatus < 500 {
		return rollback(rotation, err) // nothing was stored
	}
	if err != nil {
		return err
	}
	if rotation != nil {
		if err := rotation.Finish(p.now()); err != nil {
			return err
		}
		p.inform("SECRET was replaced; the old configuration is kept next to %s", settings.Path())
	}
	p.warnOf(answer.Warnings, shown)
	return p.printJSON(answer)
}

// rotation begins the replacement of SECRET, or goes on with one whose outcome
// is not known, even without --new-secret: until it is known, it is unclear which
// secret the server takes.
func (p program) rotation(settings *config.Config, wanted bool) (*config.Rotation, error) {
	if wanted {
		return settings.BeginRotation()
	}
	rotation, err := settings.PendingRotation()
	if rotation != nil {
		p.inform("an earlier update --new-secret did not get the server's reply: going on with its new secret")
	}
	return rotation, err
}

// rollback discards a secret that the server did not take, and returns the cause.
func rollback(rotation *config.Rotation, cause error) error {
	if rotation == nil {
		return cause
	}
	return errors.Join(cause, rotation.Abandon())
}

// warn shows the warnings about the parameters before they are sent, and returns
// them.
func (p program) warn(body []byte) (shown []string, err error) {
	parameters, err := api.ParseParameters(body)
	if err != nil {
		return nil, err
	}
	shown = parameters.Warnings()
	p.warnOf(shown, nil)
	return shown, nil
}

// warnOf shows those of the warnings that are not in shown.
func (p program) warnOf(warnings, shown []string) {
	for _, warning := range warnings {
		if !slices.Contains(shown, warning) {
			p.inform("warning: %s", client.OneLine(warning))
		}
	}
}
