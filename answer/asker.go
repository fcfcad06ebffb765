package answer

import "context"

// leaving returns a function for loops over everything there is: it reports, now and then, whether the asker has
// stopped waiting. The loop ends with him, since one that nobody waits for keeps others from being answered.
func leaving(ctx context.Context) func() bool {
	const often = 256 // asking costs more than a step of most loops
	n := 0
	return func() bool {
		n++
		return n%often == 0 && ctx.Err() != nil
	}
}
