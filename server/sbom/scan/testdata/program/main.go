// Command program is what a scan finds in an image: a Go binary with a module.
package main

import (
	"fmt"

	"github.com/google/uuid"
)

func main() { fmt.Println(uuid.New()) }
