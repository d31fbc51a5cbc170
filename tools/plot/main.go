package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg" // draws .png
	_ "gonum.org/v1/plot/vg/vgsvg" // draws .svg
)

// Colours that people with colour blindness can distinguish too.
var (
	blue   = color.RGBA{R: 0x33, G: 0x66, B: 0xaa, A: 0xff}
	orange = color.RGBA{R: 0xdd, G: 0x77, B: 0x22, A: 0xff}
	grey   = color.RGBA{R: 0xdd, G: 0xdd, B: 0xdd, A: 0xff}
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("expects one argument, the folder with results.json")
	}
	found, err := load(filepath.Join(arguments[0], "results.json"))
	if err != nil {
		return err
	}
	return errors.Join(drawRatios(found, arguments[0]), drawGrowth(found, arguments[0]))
}

// save draws a picture in both formats.
func save(folder, name string, width, height vg.Length, paint func(draw.Canvas) error) error {
	for _, format := range []string{"svg", "png"} {
		canvas, err := draw.NewFormattedCanvas(width, height, format)
		if err == nil {
			err = paint(draw.New(canvas))
		}
		if err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
		file, err := os.Create(filepath.Join(folder, name+"."+format))
		if err != nil {
			return err
		}
		_, err = canvas.WriteTo(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("write %s: %w", file.Name(), err)
		}
	}
	return nil
}
