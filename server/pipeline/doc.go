// Package pipeline builds one image: the table of steps, the loop that runs it,
// and one short method for each step. Open pipeline.go first.
//
// It trusts the parts it is given (source, engine, signer, volume) to obey
// their contexts, and nothing that comes out of the repository: paths are
// resolved inside the clone before they are used. Every text that leaves it, in
// the log, a status or the record, goes through the redactor, so no secret that
// the server knows is shown. A build never succeeds unsigned, and its image,
// its containers and its scratch files never outlive it.
package pipeline
