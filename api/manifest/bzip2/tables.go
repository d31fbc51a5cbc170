package bzip2

const (
	maxTables   = 6
	groupSize   = 50 // symbols of one selector
	refinements = 3
)

// coding is the Huffman tables of a block, and which of them codes each group of
// its symbols.
type coding struct {
	alphabet  int                 // symbols in a table
	tables    [][maxSymbols]uint8 // the code length of each symbol
	memory    [maxTables][maxSymbols]uint8
	selectors []uint8
}

// tableCount returns the number of tables for a number of symbols.
func tableCount(symbols int) int {
	switch {
	case symbols < 200:
		return 2
	case symbols < 600:
		return 3
	case symbols < 1200:
		return 4
	case symbols < 2400:
		return 5
	}
	return maxTables
}

// choose makes tables and selectors for symbols, in which symbol i occurs
// counts[i] times. Each group takes the table that codes it shortest, then each
// table is made again for the groups that took it, several times over.
func (c *coding) choose(symbols, counts []int32) {
	c.alphabet = len(counts)
	c.tables = c.memory[:tableCount(len(symbols))]
	c.divide(counts, len(symbols))
	for range refinements {
		occurrences := c.selectTables(symbols)
		for t := range c.tables {
			codeLengths(c.tables[t][:len(counts)], occurrences[t][:len(counts)])
		}
	}
}

// divide gives each table a range of the symbols with nearly an equal share of
// all occurrences, whose total is given, and makes those cheap and others dear.
func (c *coding) divide(counts []int32, total int) {
	const dear = 15
	symbol := 0
	for t := range c.tables {
		table := c.tables[t][:len(counts)]
		for i := range table {
			table[i] = dear
		}
		share := total / (len(c.tables) - t)
		for first := symbol; symbol < len(counts); symbol++ {
			count := int(counts[symbol])
			if symbol > first && share <= count/2 {
				break // without this symbol the range is nearer to its share
			}
			share -= count
			total -= count
			table[symbol] = 0
		}
	}
}

// costBits is the width of a table's field where the costs of all tables are
// added up at once; a group costs less than 2^10 bits.
const costBits = 10

// selectTables selects the cheapest table for each group, and returns how often
// each symbol occurs in the groups of each table.
func (c *coding) selectTables(symbols []int32) (occurrences [maxTables][maxSymbols]int32) {
	costs := c.costs()
	c.selectors = c.selectors[:0]
	for len(symbols) > 0 {
		group := symbols[:min(groupSize, len(symbols))]
		symbols = symbols[len(group):]
		cost := uint64(0)
		for _, symbol := range group {
			cost += costs[symbol]
		}
		selected := cheapest(cost, len(c.tables))
		c.selectors = append(c.selectors, uint8(selected))
		counts := &occurrences[selected]
		for _, symbol := range group {
			counts[symbol]++
		}
	}
	return occurrences
}

// costs returns the code lengths of each symbol in all tables, side by side.
func (c *coding) costs() (costs [maxSymbols]uint64) {
	for t := range c.tables {
		for symbol, length := range c.tables[t] {
			costs[symbol] |= uint64(length) << (costBits * t)
		}
	}
	return costs
}

// cheapest returns the first of the tables whose field in cost is least.
func cheapest(cost uint64, tables int) int {
	best, least := 0, cost&(1<<costBits-1)
	for t := 1; t < tables; t++ {
		cost >>= costBits
		if field := cost & (1<<costBits - 1); field < least {
			best, least = t, field
		}
	}
	return best
}
