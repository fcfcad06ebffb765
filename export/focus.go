package export

import (
	"encoding/json"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/usage"
)

// This file writes bills as FOCUS (FinOps Open Cost and Usage Specification) has them, for tools that read the bills of
// clouds. It is a showback: there is no invoice, and one price is that of the list, of the contract and of the bill.

const (
	focus12 = "1.2"
	focus13 = "1.3"

	kafkaName  = "Apache Kafka"
	issuerName = "lineaged"
	// noCurrency is how ISO 4217 says that there is none.
	noCurrency = "XXX"
	// nobodyID is the sub account of what no owner has; of an owner it begins with "owner:".
	nobodyID = "unattributed"
	// methodVersion rises where a rule comes to mean something else.
	methodVersion = "1"
)

// focusRow is a row of a bill in FOCUS.
type focusRow struct {
	*usage.Line
	tariff *usage.Tariff
	// of is what the topic used of the meter in the period, whoever pays; nil: not known.
	of *big.Int
	// corrects names what the row corrects; empty: it corrects nothing. billed is then the month in which it is.
	corrects string
	billed   time.Time
}

// focusOf returns the rows of a bill.
func focusOf(b *usage.Bill) []focusRow {
	type charge struct {
		topic usage.Topic
		meter usage.Meter
		start time.Time
	}
	sums := map[charge]*big.Int{}
	for i := range b.Lines {
		l := &b.Lines[i]
		key := charge{l.Topic, l.Meter, l.Start}
		if sums[key] == nil {
			sums[key] = new(big.Int)
		}
		sums[key].Add(sums[key], l.Count)
	}
	out := make([]focusRow, len(b.Lines))
	for i := range b.Lines {
		l := &b.Lines[i]
		out[i] = focusRow{Line: l, tariff: &b.Tariff, of: sums[charge{l.Topic, l.Meter, l.Start}]}
	}
	return out
}

// focusCell is what a row has in a column. Texts of others are guarded against spreadsheets; numbers, which may begin
// with a minus, are not.
type focusCell struct {
	text    string
	foreign bool
}

func own(s string) focusCell   { return focusCell{s, false} }
func given(s string) focusCell { return focusCell{s, true} }

// focusColumn is a column, by which version it is there.
type focusColumn struct {
	name string
	only string // the version that has it; empty: all
	of   func(*focusRow) focusCell
}

func always(s string) func(*focusRow) focusCell {
	return func(*focusRow) focusCell { return own(s) }
}

// focusColumns are sorted as the specification sorts them, own ones last.
var focusColumns = []focusColumn{
	{"AllocatedMethodDetails", focus13, (*focusRow).methodDetails},
	{"AllocatedMethodId", focus13, func(r *focusRow) focusCell { return own(r.method()) }},
	{"AllocatedResourceId", focus13, func(r *focusRow) focusCell { return given(r.subAccount()) }},
	{"AllocatedResourceName", focus13, func(r *focusRow) focusCell { return given(r.subAccountName()) }},
	{"AllocatedTags", focus13, always("")},
	{"BilledCost", "", func(r *focusRow) focusCell { return own(r.cost()) }},
	{"BillingAccountId", "", func(r *focusRow) focusCell { return given(r.Cluster) }},
	{"BillingAccountName", "", func(r *focusRow) focusCell { return given(r.Cluster) }},
	{"BillingCurrency", "", func(r *focusRow) focusCell { return own(r.currency()) }},
	{"BillingPeriodEnd", "", func(r *focusRow) focusCell { return own(day(r.month().AddDate(0, 1, 0))) }},
	{"BillingPeriodStart", "", func(r *focusRow) focusCell { return own(day(r.month())) }},
	{"ChargeCategory", "", always("Usage")},
	{"ChargeClass", "", (*focusRow).class},
	{"ChargeDescription", "", (*focusRow).description},
	{"ChargeFrequency", "", always("Usage-Based")},
	{"ChargePeriodEnd", "", func(r *focusRow) focusCell { return own(day(r.End)) }},
	{"ChargePeriodStart", "", func(r *focusRow) focusCell { return own(day(r.Start)) }},
	{"ConsumedQuantity", "", func(r *focusRow) focusCell { return own(pointed(r.Quantity())) }},
	{"ConsumedUnit", "", func(r *focusRow) focusCell { return own(r.Meter.Unit()) }},
	{"ContractApplied", focus13, always("")},
	{"ContractedCost", "", func(r *focusRow) focusCell { return own(r.cost()) }},
	{"ContractedUnitPrice", "", func(r *focusRow) focusCell { return own(r.price()) }},
	{"EffectiveCost", "", func(r *focusRow) focusCell { return own(r.cost()) }},
	{"HostProviderName", focus13, always(kafkaName)},
	{"InvoiceId", "", always("")},
	{"InvoiceIssuerName", "", always(kafkaName)}, // who is no third party: then BilledCost would be 0
	{"ListCost", "", func(r *focusRow) focusCell { return own(r.cost()) }},
	{"ListUnitPrice", "", func(r *focusRow) focusCell { return own(r.price()) }},
	{"PricingCategory", "", always("Standard")},
	{"PricingQuantity", "", func(r *focusRow) focusCell { return own(pointed(r.Quantity())) }},
	{"PricingUnit", "", func(r *focusRow) focusCell { return own(r.Meter.Unit()) }},
	{"ProviderName", "", always(kafkaName)},
	{"PublisherName", "", always(kafkaName)},
	{"ResourceId", "", func(r *focusRow) focusCell { return given(r.ID) }},
	{"ResourceName", "", func(r *focusRow) focusCell { return given(r.Name) }},
	{"ResourceType", "", always("Topic")},
	{"ServiceCategory", "", always("Integration")},
	{"ServiceName", "", always(kafkaName)},
	{"ServiceProviderName", focus13, always(kafkaName)},
	{"ServiceSubcategory", "", always("Messaging")},
	{"SkuId", "", func(r *focusRow) focusCell { return own(r.Meter.String()) }},
	{"SkuMeter", "", func(r *focusRow) focusCell { return own(r.Meter.Called()) }},
	{"SkuPriceId", "", func(r *focusRow) focusCell { return given(r.Cluster + "/" + r.Meter.String() + "/" + r.price()) }},
	{"SubAccountId", "", func(r *focusRow) focusCell { return given(r.subAccount()) }},
	{"SubAccountName", "", func(r *focusRow) focusCell { return given(r.subAccountName()) }},
	{"SubAccountType", "", always("Owner")},
	{"Tags", "", always("")},
	{"x_Basis", "", func(r *focusRow) focusCell { return own(r.Basis.String()) }},
	{"x_Corrects", "", func(r *focusRow) focusCell { return own(r.corrects) }},
	{"x_Hours", "", func(r *focusRow) focusCell { return own(strconv.Itoa(r.Of)) }},
	{"x_ObservedHours", "", func(r *focusRow) focusCell { return own(strconv.Itoa(r.Observed)) }},
	{"x_Payer", "", func(r *focusRow) focusCell { return own(r.tariff.Of(r.Meter)) }},
	{"x_Priced", "", func(r *focusRow) focusCell { return own(strconv.FormatBool(r.Price != nil)) }},
	{"x_Unattributed", "", func(r *focusRow) focusCell { return own(strconv.FormatBool(r.Nobody)) }},
}

// writeFocus writes rows in a version of FOCUS.
func writeFocus(w io.Writer, version string, rows []focusRow) error {
	columns := slices.Clone(focusColumns)
	columns = slices.DeleteFunc(columns, func(c focusColumn) bool { return c.only != "" && c.only != version })
	t := &table{w: w}
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.name
	}
	t.line(strings.Join(cells, ","))
	for i := range rows {
		for k, c := range columns {
			x := c.of(&rows[i])
			if x.foreign {
				cells[k] = cell(visible(x.text))
			} else {
				cells[k] = quoted(x.text)
			}
		}
		t.line(strings.Join(cells, ","))
	}
	return t.err
}

// day writes an instant as FOCUS has it: to the second.
func day(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// month is the billing period: that of the charge, or of what corrects it.
func (r *focusRow) month() time.Time {
	at := r.Start
	if !r.billed.IsZero() {
		at = r.billed
	}
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// cost is 0 where there is no price, since FOCUS knows no null there: x_Priced says so.
func (r *focusRow) cost() string {
	if r.Cost == nil {
		return "0.0"
	}
	return pointed(*r.Cost)
}

// pointed writes a number with a point: who guesses types by a column's cells takes it for no whole number then.
func pointed(d usage.Decimal) string {
	text := d.String()
	if strings.Contains(text, ".") {
		return text
	}
	return text + ".0"
}

func (r *focusRow) price() string {
	if r.Price == nil {
		return "0.0"
	}
	return pointed(*r.Price)
}

func (r *focusRow) currency() string {
	if r.tariff.Currency == "" {
		return noCurrency
	}
	return r.tariff.Currency
}

func (r *focusRow) subAccount() string {
	if r.Nobody {
		return nobodyID
	}
	return "owner:" + r.Owner
}

func (r *focusRow) subAccountName() string {
	if r.Nobody {
		return "Unattributed"
	}
	return r.Owner
}

// method names the rule by which the charge is allocated, and its version.
func (r *focusRow) method() string {
	return issuerName + "/" + strings.ToLower(r.Meter.String()) + "/" + r.tariff.Of(r.Meter) + "/" + methodVersion
}

// methodDetails says what part of what the topic used the row is.
func (r *focusRow) methodDetails() focusCell {
	if r.of == nil || r.of.Sign() == 0 {
		return own("")
	}
	type element struct {
		AllocatedRatio json.Number
		UsageUnit      string
		UsageQuantity  json.Number
	}
	const decimals = 18
	ratio := strings.TrimRight(new(big.Rat).SetFrac(r.Count, r.of).FloatString(decimals), "0")
	b, err := json.Marshal(map[string][]element{"Elements": {{json.Number(strings.TrimSuffix(ratio, ".")), r.Meter.Unit(), json.Number(r.Quantity().String())}}})
	if err != nil {
		return own("") // it is plain data
	}
	return own(string(b))
}

func (r *focusRow) class() focusCell {
	if r.corrects == "" {
		return own("")
	}
	return own("Correction")
}

func (r *focusRow) description() focusCell {
	said := r.Meter.Called() + " of topic " + r.Name + ": " + usage.Words(r.tariff.Of(r.Meter))
	if r.corrects != "" {
		said += "; corrects " + r.corrects
	}
	return given(said)
}
