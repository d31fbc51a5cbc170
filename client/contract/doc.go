// Package contract makes the contract by which a Hyper Protect runtime, or one
// of its successors, starts a workload: the archive of the compose file, the
// sections workload and env, their encryption to the platform, the signature,
// and user-data.yaml. It also writes the images section for an image that was
// built, and reads a user-data.yaml to compare it with what a runtime attests.
//
// A contract.yaml is read with the files it refers to (Load); all else is a pure
// codec. It trusts the encryption certificate it is given: anyone who has that key
// can read the contract. Nothing that IBM's rules for contracts refuse is
// written. No value of a contract is in an error; nothing is printed, and
// nothing is sent.
package contract
