package main

import (
	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client/certs"
)

func (p program) createClientCert() *cli.Command {
	return command("create-client-cert", "make a certificate authority and a client certificate", `
Makes, in the working directory, the authority that client and server will
trust, and the client certificate. Nothing is overwritten. With CAPATH,
CAKEYPATH or CLIENT_CRT_KEY in the configuration your own files are checked
instead, and nothing is made.

The authority is valid for two years, the certificate for one.

    sbs-cli create-client-cert --env sbs-config.json`,
		func(c *cli.Context) error {
			settings, err := p.completed(c)
			if err != nil {
				return err
			}
			files, err := settings.Certificates()
			if err != nil {
				return err
			}
			made, err := certs.CreateClient(files, p.now())
			if err != nil {
				return err
			}
			if len(made) == 0 {
				p.inform("your own %s and %s fit together; nothing was made", files.Client, files.CA)
				return nil
			}
			p.inform("made the client certificate %s and its authority in %s", files.Client, files.Folder)
			p.inform("next: sbs-cli create-server-cert")
			return nil
		})
}

func (p program) createServerCert() *cli.Command {
	return command("create-server-cert", "make a server certificate for HOSTNAME", `
Makes the server's key and its certificate for HOSTNAME, signed by the authority
of create-client-cert. They are made again when HOSTNAME has changed, or when
they have expired or belong to another authority; otherwise nothing happens.

    sbs-cli create-server-cert --env sbs-config.json`,
		func(c *cli.Context) error {
			settings, err := p.completed(c)
			if err != nil {
				return err
			}
			files, err := settings.Certificates()
			if err != nil {
				return err
			}
			hostname, _, err := settings.Server()
			if err != nil {
				return err
			}
			reason, err := certs.CreateServer(files, hostname, p.now())
			if err != nil {
				return err
			}
			if reason == "" {
				p.inform("the server certificate %s is good for %s; nothing was made", files.ServerCert, hostname)
				return nil
			}
			p.inform("made the server certificate %s for %s (%s)", files.ServerCert, hostname, reason)
			p.inform("next: sbs-cli instance-env")
			return nil
		})
}

func (p program) deleteCertificates() *cli.Command {
	return command("delete-certificates", "delete the certificates that were made here", `
Deletes what create-client-cert and create-server-cert made, without asking.
Files of your own, which CAPATH, CAKEYPATH, CLIENT_CRT_KEY, CSRPATH and CERTPATH
name, stay. A server that was deployed with the deleted ones can't be reached
any more: deploy it again with new ones.

    sbs-cli delete-certificates --env sbs-config.json`,
		func(c *cli.Context) error {
			settings, err := p.configuration(c)
			if err != nil {
				return err
			}
			files, err := settings.Certificates()
			if err != nil {
				return err
			}
			removed, err := files.Delete()
			for _, path := range removed {
				p.inform("deleted %s", path)
			}
			if err != nil {
				return err
			}
			if len(removed) == 0 {
				p.inform("there was nothing to delete")
			}
			return nil
		})
}
