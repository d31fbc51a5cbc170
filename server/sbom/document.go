package sbom

// The SPDX document. Its identifiers are made of what they identify, so that two
// inventories of one image can be compared.

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/osv-scalibr/version"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

const (
	// namespaces is what each document's namespace begins with; the image's
	// digest and the time end it.
	namespaces = "https://github.com/opensbs/sbs/spdx/"

	noAssertion = "NOASSERTION"
	imageID     = "Image"
)

// Image is the image that a document describes.
type Image struct {
	Repository string    // registry/namespace/name
	Tag        string    // the one that names the build
	Digest     string    // sha256:<hex>
	Created    time.Time // the document's time: that of the build
	Tool       string    // what writes it, as name-version
}

// Document is the SPDX 2.3 document of image as JSON, with what was found in it:
// the same bytes as in a statement that holds it, so that one digest names both.
func Document(image Image, inventory Inventory) ([]byte, error) {
	inventory = inventory.sorted()
	document := v2_3.Document{
		SPDXVersion:       v2_3.Version,
		DataLicense:       v2_3.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      image.Repository + "@" + image.Digest,
		DocumentNamespace: namespaces + strings.Replace(image.Digest, ":", "-", 1) + "/" + image.Created.UTC().Format("20060102T150405.000000Z"),
		CreationInfo: &v2_3.CreationInfo{
			Created: image.Created.UTC().Truncate(time.Second).Format(time.RFC3339),
			Creators: []common.Creator{
				{CreatorType: "Tool", Creator: image.Tool},
				{CreatorType: "Tool", Creator: "osv-scalibr-" + version.ScannerVersion},
			},
		},
		DocumentComment: comment(inventory),
		Packages:        []*v2_3.Package{imagePackage(image)},
		Relationships:   []*v2_3.Relationship{relation("DOCUMENT", common.TypeRelationshipDescribe, imageID)},
	}
	for _, found := range inventory.Packages {
		described := describe(found)
		document.Packages = append(document.Packages, described)
		document.Relationships = append(document.Relationships, relation(imageID, common.TypeRelationshipContains, described.PackageSPDXIdentifier))
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write the SPDX document: %w", err)
	}
	return text, nil
}

func relation(a common.ElementID, kind string, b common.ElementID) *v2_3.Relationship {
	return &v2_3.Relationship{RefA: common.MakeDocElementID("", string(a)), Relationship: kind, RefB: common.MakeDocElementID("", string(b))}
}

func imagePackage(image Image) *v2_3.Package {
	name := image.Repository[strings.LastIndexByte(image.Repository, '/')+1:]
	purl := fmt.Sprintf("pkg:oci/%s@%s?repository_url=%s&tag=%s", name, url.QueryEscape(image.Digest), url.QueryEscape(image.Repository), url.QueryEscape(image.Tag))
	p := blank(imageID, image.Repository, image.Tag, purl)
	p.PrimaryPackagePurpose = "CONTAINER"
	p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: strings.TrimPrefix(image.Digest, "sha256:")}}
	return p
}

var notInID = regexp.MustCompile(`[^a-zA-Z0-9.-]+`)

func describe(found Package) *v2_3.Package {
	hash := sha256.Sum256([]byte(found.Name + "\x00" + found.Version + "\x00" + found.PURL + "\x00" + found.Path))
	name := notInID.ReplaceAllString(found.Name, "-")
	id := "Package-" + name[:min(len(name), 80)] + "-" + hex.EncodeToString(hash[:8])
	p := blank(common.ElementID(id), found.Name, found.Version, found.PURL)
	if found.Path != "" {
		p.PackageSourceInfo = "found in " + found.Path
	}
	return p
}

// blank is a package of which nothing else is claimed.
func blank(id common.ElementID, name, version, purl string) *v2_3.Package {
	p := &v2_3.Package{
		PackageSPDXIdentifier:   id,
		PackageName:             name,
		PackageVersion:          version,
		PackageDownloadLocation: noAssertion,
		PackageLicenseConcluded: noAssertion,
		PackageLicenseDeclared:  noAssertion,
		PackageCopyrightText:    noAssertion,
	}
	if purl != "" {
		p.PackageExternalReferences = []*v2_3.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: purl}}
	}
	return p
}

// comment names what is missing, so that a gap is not taken for nothing.
func comment(inventory Inventory) string {
	var text strings.Builder
	if inventory.PackagesLeftOut > 0 {
		fmt.Fprintf(&text, "%d packages are left out: an inventory holds %d.\n", inventory.PackagesLeftOut, maxPackages)
	}
	if len(inventory.Unread) > 0 {
		text.WriteString("These files could not be read as what they are named:")
	}
	for _, file := range inventory.Unread {
		fmt.Fprintf(&text, "\n%s: %s", file.Path, file.Reason)
	}
	if inventory.UnreadLeftOut > 0 {
		fmt.Fprintf(&text, "\nand %d more", inventory.UnreadLeftOut)
	}
	return strings.TrimSuffix(text.String(), "\n")
}
