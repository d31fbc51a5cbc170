package main

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawRatios draws a bar for each ratio that has a goal, the first one on top.
func drawRatios(found results, folder string) error {
	rows := found.compared()
	if len(rows) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text = "Time of ours, as a ratio to the usual tool's\n" + found.machine()
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(11), vg.Points(10)
	p.X.Label.Text = "ratio ours : theirs (median of the pairs; the line is from the minimum to the maximum)"
	p.Y.Label.Text = "measurement, compared with"
	p.X.Min = 0

	bars := make(plotter.Values, len(rows))
	goals := make(plotter.XYs, len(rows))
	ends := whiskers{make(plotter.XYs, len(rows)), make(plotter.XErrors, len(rows))}
	names := make([]string, len(rows))
	for i, row := range rows {
		at := len(rows) - 1 - i
		median, least, most := spread(row.ratios())
		bars[at] = median
		ends.XYs[at] = plotter.XY{X: median, Y: float64(at)}
		ends.XErrors[at].Low, ends.XErrors[at].High = median-least, most-median
		goals[at] = plotter.XY{X: row.Goal.Most, Y: float64(at)}
		names[at] = fmt.Sprintf("%s, with %s", row.What, row.ComparedWith)
		p.X.Max = math.Max(p.X.Max, math.Max(most, row.Goal.Most)*1.05)
	}
	chart, err := plotter.NewBarChart(bars, vg.Points(13))
	if err != nil {
		return err
	}
	chart.Horizontal, chart.Color, chart.LineStyle.Width = true, blue, 0
	lines, err := plotter.NewXErrorBars(ends)
	if err != nil {
		return err
	}
	marks, err := plotter.NewScatter(goals)
	if err != nil {
		return err
	}
	marks.GlyphStyle = draw.GlyphStyle{Color: orange, Radius: vg.Points(8), Shape: stroke{}}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Width = grey, 0
	p.Add(grid, chart, lines, marks)
	p.NominalY(names...)
	p.Legend.Add("ratio", chart)
	p.Legend.Add("goal: at most this", marks)
	p.Legend.Top, p.Legend.Padding = true, vg.Points(3)
	p.Legend.YOffs = vg.Points(10)
	p.Y.Min, p.Y.Max = -0.7, float64(len(rows))+0.7 // space for the legend at the top
	height := vg.Centimeter*5 + vg.Points(22)*vg.Length(len(rows)+1)
	return save(folder, "ratios", 28*vg.Centimeter, height, func(canvas draw.Canvas) error {
		p.Draw(draw.Crop(canvas, vg.Points(6), -vg.Points(12), vg.Points(6), -vg.Points(6)))
		return nil
	})
}

// whiskers are points with the range of their samples.
type whiskers struct {
	plotter.XYs
	plotter.XErrors
}

// stroke is a glyph: a vertical line across a bar.
type stroke struct{}

func (stroke) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	line := draw.LineStyle{Color: style.Color, Width: vg.Points(3)}
	c.StrokeLine2(line, at.X, at.Y-style.Radius, at.X, at.Y+style.Radius)
}
