package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// journal is the file by which batches are acknowledged before they are in tiles: a frame each, then the end mark.
//
// Where a batch was published, its frame is written over by the next, in the same room: a file that does not grow and
// is not cut is synced without its file system writing down where it lies, in less than half of the time. So what
// follows the end mark is of batches before, or of one that has no head yet, and means nothing.
type journal struct {
	file *os.File
	at   int64 // where the next frame begins
	size int64 // how long the file is

	// Of the frame that was begun:
	text  int    // how long its checkpoint will be
	ends  int64  // where its next entry will be
	begun int64  // up to where the disk was told to begin with it
	sum   uint32 // of its entries
}

// frameHead is the length of a frame's own length and checksum. Of the end mark both are 0.
const frameHead = 8

// mostFrameKept is how much room is kept for the next batch in the file: that of some ten thousand uses.
const mostFrameKept = 16 << 20

// diskPart is of how much of a frame the disk begins with while more is written: much, since each time costs a
// processor as much as copying it.
const diskPart = 256 << 10

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	is, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal: %w", err), file.Close())
	}
	return &journal{file: file, size: is.Size()}, nil
}

// begin begins a frame whose checkpoint will have so many bytes.
func (j *journal) begin(text int) {
	j.text, j.ends, j.begun, j.sum = text, j.at+frameHead+4+int64(text), j.at, 0
}

// ahead writes entries of the frame that was begun, each after its length, behind those that were written. Before them
// an end mark is or a frame that was published, so that they mean nothing until the frame has its head.
func (j *journal) ahead(entries []byte) error {
	if size := j.ends + int64(len(entries)) - j.at - frameHead; size > math.MaxUint32 {
		return fmt.Errorf("a batch of %d bytes and more is too long for the journal", size)
	}
	n, err := j.file.WriteAt(entries, j.ends)
	j.ends += int64(n)
	j.size = max(j.size, j.ends)
	if err != nil {
		return fmt.Errorf("write the ledger's journal: %w", err)
	}
	if n := j.ends - j.begun; n >= diskPart {
		startSync(j.file, j.begun, n)
		j.begun = j.ends
	}
	j.sum = crc32.Update(j.sum, castagnoli, entries)
	return nil
}

// write gives the frame that was begun its end and its head. When it returns without an error, the batch is on disk;
// else it may be there and not be acknowledged, and is to be cut.
func (j *journal) write(c Checkpoint) error {
	if len(c.Text) != j.text {
		return fmt.Errorf("write the ledger's journal: the checkpoint has %d bytes, and %d were left for it", len(c.Text), j.text)
	}
	head := binary.LittleEndian.AppendUint32(make([]byte, frameHead, frameHead+4+len(c.Text)), uint32(len(c.Text)))
	head = append(head, c.Text...)
	binary.LittleEndian.PutUint32(head, uint32(j.ends-j.at-frameHead))
	entries := j.ends - j.at - int64(len(head))
	binary.LittleEndian.PutUint32(head[4:], joinSums(crc32.Checksum(head[frameHead:], castagnoli), j.sum, entries))
	_, err := j.file.WriteAt(make([]byte, frameHead), j.ends)
	if err == nil {
		_, err = j.file.WriteAt(head, j.at)
	}
	if err != nil {
		return fmt.Errorf("write the ledger's journal: %w", err)
	}
	if err := syncData(j.file); err != nil {
		return fmt.Errorf("sync the ledger's journal: %w", err)
	}
	j.size = max(j.size, j.ends+frameHead)
	j.at = j.ends
	return nil
}

// cut takes back what may have been written of a frame that was not acknowledged.
func (j *journal) cut() error {
	if err := j.file.Truncate(j.at); err != nil {
		return fmt.Errorf("cut the ledger's journal: %w", err)
	}
	j.size = j.at
	return nil
}

// empty takes all frames out. It need not be on disk: what is published is not taken in anew.
func (j *journal) empty() error {
	j.at = 0
	if j.size > mostFrameKept {
		return j.cut()
	}
	if j.size == 0 {
		return nil
	}
	if _, err := j.file.WriteAt(make([]byte, frameHead), 0); err != nil {
		return fmt.Errorf("empty the ledger's journal: %w", err)
	}
	j.size = max(j.size, frameHead)
	return nil
}

// forget takes away what is left behind the frames of those before them. It is on disk when it returns; a kill leaves
// the file as it was, or cut.
func (j *journal) forget() error {
	if j.size == j.at {
		return nil
	}
	if err := j.cut(); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("sync the ledger's journal: %w", err)
	}
	return nil
}

// forgetJournal is forget of a folder that no process has open: what is published goes too, and what is of no batch.
func forgetJournal(dir string) (err error) {
	data, err := os.ReadFile(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	size := int64(0)
	r, err := OpenReader(os.DirFS(dir))
	if err == nil {
		size = r.checkpoint.Size
	} else if !errors.Is(err, fs.ErrNotExist) { // of a new one no period is closed
		return err
	}
	public, err := os.ReadFile(filepath.Join(dir, publicFile))
	if err != nil {
		return fmt.Errorf("read whose ledger it is: %w", err)
	}
	all, _ := readJournal(data)
	rest, end := data, 0
	for i := range all {
		_, rest, _ = cutFrame(rest)
		c, err := OpenCheckpoint(all[i].checkpoint.Text, strings.TrimSuffix(string(public), "\n"))
		if err != nil || c.Size > size { // what is of no checkpoint is for who opens it to find
			end = len(data) - len(rest)
		}
	}
	j, err := openJournal(filepath.Join(dir, journalFile))
	if err != nil {
		return err
	}
	j.at = int64(end)
	return errors.Join(j.forget(), j.close())
}

func (j *journal) close() error {
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close the ledger: %w", err)
	}
	return nil
}

// readJournal returns the batches that were acknowledged, and what follows them where no end mark does. Checkpoints
// have only their text.
func readJournal(data []byte) (all []batch, torn []byte) {
	for {
		if len(data) >= frameHead && binary.LittleEndian.Uint64(data) == 0 {
			return all, nil
		}
		frame, rest, ok := cutFrame(data)
		if !ok || len(frame) < 4 {
			return all, data
		}
		n := int(binary.LittleEndian.Uint32(frame))
		if n > len(frame)-4 {
			return all, data
		}
		b := batch{checkpoint: Checkpoint{Text: frame[4 : 4+n]}}
		for entries := frame[4+n:]; len(entries) > 0; {
			one, more, err := splitEntries(entries, 1)
			if err != nil {
				return all, data
			}
			b.entries, entries = append(b.entries, one[0]), more
		}
		all, data = append(all, b), rest
	}
}

// tornOf returns how many bytes are of the batch that is not whole, of what follows those that are: what it says of its
// own length, where that much is there, since remains of older batches may be behind it.
func tornOf(torn []byte) int64 {
	if len(torn) < frameHead {
		return int64(len(torn))
	}
	return min(frameHead+int64(binary.LittleEndian.Uint32(torn)), int64(len(torn)))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// joinSums returns the checksum of bytes that have the first and then so many that have the second.
func joinSums(first, second uint32, length int64) uint32 {
	for x := uint32(1) << 23; length > 0; length >>= 1 { // x^8, x^16, x^32 and so on, of a byte, two, four
		if length&1 == 1 {
			first = timesModulo(first, x)
		}
		x = timesModulo(x, x)
	}
	return first ^ second
}

// timesModulo multiplies polynomials over bits, of which the highest is that of x^0, modulo that of the checksum.
func timesModulo(a, b uint32) (out uint32) {
	for ; a != 0; a <<= 1 {
		if a>>31 == 1 {
			out ^= b
		}
		b = b>>1 ^ crc32.Castagnoli*(b&1)
	}
	return out
}

func cutFrame(data []byte) (frame, rest []byte, ok bool) {
	if len(data) < frameHead {
		return nil, nil, false
	}
	n, sum := int64(binary.LittleEndian.Uint32(data)), binary.LittleEndian.Uint32(data[4:])
	if n > int64(len(data)-frameHead) || crc32.Checksum(data[frameHead:frameHead+n], castagnoli) != sum {
		return nil, nil, false
	}
	return data[frameHead : frameHead+n], data[frameHead+n:], true
}
