package main

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// columns is the number of curves in a row.
const columns = 2

// drawGrowth draws a small plot of each figure over the number of builds on record.
func drawGrowth(found results, folder string) error {
	var cells []*plot.Plot
	for _, part := range found.Parts {
		for _, curve := range part.Curves {
			p, err := plotCurve(curve)
			if err != nil {
				return err
			}
			cells = append(cells, p)
		}
	}
	if len(cells) == 0 {
		return nil
	}
	rows := (len(cells) + columns - 1) / columns
	grid := make([][]*plot.Plot, rows)
	for i := range grid {
		grid[i] = make([]*plot.Plot, columns)
		copy(grid[i], cells[i*columns:min(len(cells), (i+1)*columns)])
	}
	title := "The server's figures over the number of builds: median (line), minimum and maximum (bars)\n" + found.machine()
	return save(folder, "growth", 26*vg.Centimeter, 6.5*vg.Centimeter*vg.Length(rows)+2*vg.Centimeter, func(canvas draw.Canvas) error {
		style := text.Style{Font: plot.DefaultFont, Handler: plot.DefaultTextHandler, XAlign: text.XCenter, YAlign: text.YTop, Color: plot.New().Title.TextStyle.Color}
		style.Font.Size = vg.Points(11)
		canvas.FillText(style, vg.Point{X: canvas.Center().X, Y: canvas.Max.Y - vg.Points(8)}, title)
		body := draw.Crop(canvas, vg.Points(8), -vg.Points(12), vg.Points(8), -vg.Points(48))
		tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: vg.Points(24), PadY: vg.Points(18)}
		for y, drawn := range plot.Align(grid, tiles, body) {
			for x, cell := range drawn {
				if grid[y][x] != nil {
					grid[y][x].Draw(cell)
				}
			}
		}
		return nil
	})
}

// plotCurve plots one figure. The scale of builds is logarithmic. That of the figure is
// too if it grows more than tenfold; otherwise it starts at 0.
func plotCurve(c curve) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Title.Padding = c.What, vg.Points(4)
	p.X.Label.Text, p.Y.Label.Text = "builds on record", unitName(c.Unit)
	p.X.Scale = plot.LogScale{}
	points := spreads{make(plotter.XYs, len(c.Points)), make(plotter.YErrors, len(c.Points))}
	var ticks plot.ConstantTicks
	least, most := math.Inf(1), 0.0
	for i, point := range c.Points {
		median, low, high := spread(point.Samples)
		points.XYs[i] = plotter.XY{X: float64(point.Builds), Y: median}
		points.YErrors[i].Low, points.YErrors[i].High = median-low, high-median
		ticks = append(ticks, plot.Tick{Value: float64(point.Builds), Label: strconv.Itoa(point.Builds)})
		least, most = math.Min(least, low), math.Max(most, high)
	}
	line, dots, err := plotter.NewLinePoints(points.XYs)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = blue, vg.Points(1.5)
	dots.Color, dots.Shape = blue, draw.CircleGlyph{}
	bars, err := plotter.NewYErrorBars(points)
	if err != nil {
		return nil, err
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = grey, grey
	p.Add(grid, line, dots, bars)
	p.X.Tick.Marker = ticks
	p.X.Min, p.X.Max = p.X.Min/1.3, p.X.Max*1.3
	if p.Y.Min, p.Y.Max = 0, most*1.15; least*10 < most {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(least))), math.Pow(10, math.Ceil(math.Log10(most)))
		p.Y.Label.Text += ", powers of ten"
	}
	return p, nil
}

// spreads are points with the range of their samples.
type spreads struct {
	plotter.XYs
	plotter.YErrors
}

func unitName(unit string) string {
	if unit == "1/s" {
		return "requests a second"
	}
	return unit
}
