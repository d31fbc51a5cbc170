package volume

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Import holds secrets and builds from another volume, which are imported all or
// none.
type Import struct {
	Secrets map[string][]byte `json:"secrets"` // by name, as for Secrets.Put
	Builds  []ImportedBuild   `json:"builds"`
}

// ImportedBuild is a finished build without its log and manifest.
type ImportedBuild struct {
	ID        string `json:"id"`
	Record    []byte `json:"record"`
	PublicKey []byte `json:"public_key"` // PEM
}

// fileImport is the journal of an import: its whole content, sealed. The import
// is decided as soon as the journal is durable. The journal is removed after
// everything in it was applied.
const fileImport = "import"

// Import adds secrets and builds from another volume. After a crash, opening the
// volume again gives either its state before the import or the complete import.
// The same holds after an error once FinishImport succeeds.
func (v *Volume) Import(from Import) error {
	if err := v.FinishImport(); err != nil {
		return err
	}
	if err := v.checkImport(from); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	journal, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	sealed, err := v.sealer.Seal(fileImport, journal)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if len(sealed) > maxSealed {
		return fmt.Errorf("import: it has %d bytes, more than %d", len(sealed), maxSealed)
	}
	if err := v.writeFile(fileImport, sealed, 0o600); err != nil {
		return err
	}
	return v.FinishImport()
}

// FinishImport applies the journal of an import, if there is one. Every step is
// idempotent.
func (v *Volume) FinishImport() error {
	sealed, err := v.readFile(fileImport, maxSealed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	journal, err := v.sealer.Unseal(fileImport, sealed)
	if err != nil {
		return fmt.Errorf("finish import: %w", &SealedError{fileImport, err})
	}
	var from Import
	if err := json.Unmarshal(journal, &from); err != nil {
		return fmt.Errorf("finish import: %s is damaged: %w", fileImport, err)
	}
	if err := v.apply(from); err != nil {
		return fmt.Errorf("finish import: %w", err)
	}
	if err := v.root.Remove(fileImport); err != nil {
		return fmt.Errorf("finish import: %w", err)
	}
	return v.syncFolder(".")
}

// checkImport returns an error for anything that would stop an import midway.
func (v *Volume) checkImport(from Import) error {
	for name := range from.Secrets {
		if err := v.Secrets().replaceable(name); err != nil {
			return err
		}
	}
	for _, build := range from.Builds {
		if !isID(build.ID) {
			return fmt.Errorf("%.80q is not a build id", build.ID)
		}
	}
	return nil
}

func (v *Volume) apply(from Import) error {
	for name, secret := range from.Secrets {
		if err := v.Secrets().Put(name, secret); err != nil {
			return err
		}
	}
	for _, build := range from.Builds {
		if err := v.applyBuild(build); err != nil {
			return err
		}
	}
	return nil
}

// applyBuild adds a build unless it exists. The record is written last: a folder
// that has one is complete and remains unchanged, even if the record is damaged.
func (v *Volume) applyBuild(imported ImportedBuild) error {
	build, err := v.Builds().Create(imported.ID)
	if errors.Is(err, fs.ErrExist) {
		build, err = v.Builds().Open(imported.ID)
	}
	if err != nil {
		return err
	}
	if _, err := v.root.Lstat(path.Join(folderBuilds, imported.ID, fileRecord)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := build.SavePublicKey(imported.PublicKey); err != nil {
		return err
	}
	return build.SaveRecord(imported.Record)
}
