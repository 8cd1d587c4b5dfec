//! What markers, ruler and print say together: which pairing holds, which pair is the length, or why not.
//!
//! Print settles what markers leave open: a pairing holds if every printed length is the distance of one of its pairs. And it
//! is held against what markers tell alone: the chosen pair's length must be printed if lengths are, and no longer one may
//! be. Always holds: a sight with a refusal has no chosen pair.

use super::{
    Pair, Print, PrintedLength, Ruler, Sight,
    lengths::{
        AGREEMENT, RIVAL, Slack, agree, are_borne_out, are_in_proportion, fits, has_rivals, is_in_proportion,
        nearly_agree, numbered, sorted,
    },
    pairs::Pairing,
    ruler::{Across, Numbers, STRETCH_MAX, Ticks},
};
use crate::{
    refusal::Refusal,
    units::{Centimetres, Pixels, PixelsPerCm},
};
use alloc::vec::Vec;

/// The shortest distance that may be a kidney's length, on a picture without a ruler. A crop is stretched to 224
/// pixels; from less than a fifth of that nothing of the cortex is left.
const LENGTH_MIN: Pixels = Pixels(45.0);
/// The shortest distance that may be a kidney's length. *Source*: Rosenbaum et al. 1984, AJR 142:467: newborn kidneys
/// have 4.5 cm on average; 3 cm leaves room for the small and the shrunken.
const LENGTH_MIN_CM: Centimetres = Centimetres(3.0);

/// What print says of a pairing.
enum Verdict {
    /// The chosen pair's length is printed.
    Agrees(PrintedLength),
    /// Nothing about the chosen pair.
    Silent,
    /// No pair, or not the chosen one, has the length that is printed.
    Refuses(Refusal),
}

impl Sight {
    /// Whether print could change anything: there is a pair that it could confirm, or pairings that it could settle.
    pub fn needs_print(&self) -> bool {
        self.chosen().is_some() || !self.pairings.is_empty() || !self.by_line.is_empty() || !self.open.is_empty()
    }

    /// The same with the longest pair chosen, or refused if that is no kidney's length.
    pub(super) fn settled(mut self) -> Self {
        let stretch = self.stretch().unwrap_or(1.0);
        let length = |pair: &Pair| pair.unstretched(stretch).0;
        self.pairs.iter_mut().for_each(|pair| pair.chosen = false);
        self.pairs.sort_by(|a, b| length(b).total_cmp(&length(a)));
        self.refusal = match &self.pairs[..] {
            [] => Some(Refusal::NoMarkers),
            [longest, ..] if longest.length() < LENGTH_MIN => Some(Refusal::PairTooShort),
            [longest, second, ..] if length(second) > RIVAL * length(longest) => Some(Refusal::PairsAmbiguous),
            [longest, ..] => {
                let cm = self.ruler.as_ref().map(|ruler| ruler.distance(longest.ends));
                cm.filter(|&cm| cm < LENGTH_MIN_CM).map(|_| Refusal::PairTooShort)
            }
        };
        if let (None, Some(longest)) = (self.refusal, self.pairs.first_mut()) {
            longest.chosen = true;
        }
        self.pairs.sort_by_key(|pair| pair.label.unwrap_or(u8::MAX));
        self
    }

    fn refused(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self.pairs.iter_mut().for_each(|pair| pair.chosen = false);
        self
    }

    /// The same with the text read in the line of the ruler's numbers, which confirms, finds or drops the scale.
    ///
    /// *Refuses*: [`Refusal::PairTooShort`], where the scale tells so.
    pub fn with_numbers(mut self, numbers: &Numbers, text: &str) -> Self {
        self.ticks = self.ticks.map(|ticks| ticks.with_numbers(numbers, text));
        self.ruler = self.ticks.as_ref().and_then(Ticks::ruler);
        if self.chosen().is_some() { self.settled() } else { self }
    }

    /// The same with the lengths that were printed.
    ///
    /// *Refuses*: [`Refusal::LengthsDisagree`] where the chosen pair's length is not among them,
    /// [`Refusal::PartnerMissing`] where a longer one is printed than was seen.
    pub fn with_print(self, print: &Print) -> Self {
        let bare = self.clone();
        let sight = self.read_with(print);
        if sight.refusal.is_none() { sight } else { bare.assigned(print).unwrap_or(sight) }
    }

    fn read_with(self, print: &Print) -> Self {
        let sight = match self.chosen() {
            None if print.lengths.is_empty() && print.unread == 0 => self.in_every_pairing(),
            None if print.lengths.is_empty() => return self,
            _ if has_rivals(print) => self.refused(Refusal::PairsAmbiguous),
            None => self.paired_by(print).lined_by(print),
            // Of several measurements the ends of two may seem to be one.
            Some(chosen) if print.lengths.len() > self.pairs.len() && self.is_by_likeness(chosen) => {
                self.refused(Refusal::PartnerMissing).lined_by(print)
            }
            // A line that could not be read may have the length of a pair that was not seen.
            Some(_)
                if numbered(print) > print.lengths.len().max(self.pairs.len())
                    || print.unread > 0 && print.lengths.len() + print.unread > self.pairs.len() =>
            {
                self.refused(Refusal::PartnerMissing)
            }
            Some(chosen) if print.lengths.is_empty() => {
                let is_other = self.is_by_likeness(chosen) && print.unread > 0 && !self.may_be_printed(chosen, print);
                if is_other { self.refused(Refusal::PartnerMissing) } else { self }
            }
            Some(_) => self.confirmed(print).lined_by(print),
        };
        sight.proven()
    }

    /// Whether a line that could not be read surely may say a pair's length, as far as a ruler tells.
    fn may_be_printed(&self, pair: &Pair, print: &Print) -> bool {
        let mut perhaps = print.perhaps.iter().flatten();
        perhaps.any(|printed| self.rulers().iter().any(|ruler| nearly_agree(ruler.distance(pair.ends).0, printed)))
    }

    /// Whether no line joins a pair, or its ends may be no markers.
    fn is_by_likeness(&self, Pair { ends, .. }: &Pair) -> bool {
        self.doubtful.contains(ends) || self.by_line.iter().all(|pair| pair.ends != *ends)
    }

    /// The longest pair that a line joins, where it has the longest printed length, whatever other markers seem to be. Print lists
    /// all measurements. The ruler tells the length, and without one so many lined pairs in the proportions of what is printed.
    fn lined_by(mut self, print: &Print) -> Self {
        let lengths = sorted(print);
        let Some(longest) = lengths.first().copied() else { return self };
        // Every two markers that no line joins are a measurement more; one may be a part of one, unless each line has its length.
        let rulers = self.rulers();
        let agrees =
            |ruler: &Ruler, pair: &Pair| lengths.iter().any(|printed| agree(ruler.distance(pair.ends).0, printed));
        let is_printed = |pair: &Pair| rulers.iter().any(|ruler| agrees(ruler, pair));
        let unlined = if self.by_line.iter().all(is_printed) { self.unlined / 2 } else { self.unlined.div_ceil(2) };
        let measured = numbered(print).max(self.by_line.len() + unlined);
        let is_whole = print.unread == 0 && measured <= lengths.len();
        let settled = self.chosen().is_some() || self.refusal == Some(Refusal::PartnerOutside);
        if settled || !is_whole || longest.length < LENGTH_MIN_CM {
            return self;
        }
        let stretch = self.stretch().unwrap_or(1.0);
        let mut lined = self.by_line.clone();
        lined.sort_by(|a, b| b.unstretched(stretch).0.total_cmp(&a.unstretched(stretch).0));
        let Some(&pair) = lined.first() else { return self };
        // Of several worths that ticks may have the others must not make it another length that is printed.
        let mut fitting = rulers.iter().filter(|ruler| agrees(ruler, &pair));
        let ruler = fitting.next().filter(|_| fitting.next().is_none());
        let fits = match ruler {
            Some(ruler) => {
                let is_rival = |other: &&Pair| ruler.distance(other.ends).0 > (1.0 - AGREEMENT) * longest.length.0;
                agree(ruler.distance(pair.ends).0, longest) && lined.iter().filter(is_rival).count() == 1
            }
            None => self.ruler.is_none() && are_in_proportion(&lined, stretch, &lengths),
        };
        if !fits || pair.length() < LENGTH_MIN {
            return self;
        }
        self.pairs = lined.iter().map(|other| Pair { chosen: other.ends == pair.ends, ..*other }).collect();
        Self { refusal: None, ruler: ruler.cloned(), text: Some(longest.clone()), ..self }
    }

    /// Without print a pair with an end that is not clear is no measurement. On a cart's whole screen two like marks are none by
    /// likeness alone either, as plus signs in print are as like, unless they stand alone beside a ruler; nor are two in one row or
    /// column, as the corners of a region's box are, nor one with an end at the sector's border.
    fn proven(self) -> Self {
        let is_unscaled = self.ticks.is_none();
        let doubtful = |Pair { ends, .. }: &Pair| {
            let on_screen = self.doubtful.contains(ends) || is_unscaled && self.lone.contains(ends);
            self.weak.contains(ends) || self.is_screen && on_screen
        };
        let unproven = self.text.is_none() && self.chosen().is_some_and(doubtful);
        if unproven { self.refused(Refusal::PairsAmbiguous) } else { self }
    }

    /// Every ruler that may be the right one; none without ticks.
    pub(super) fn rulers(&self) -> Vec<Ruler> {
        match (&self.ruler, &self.ticks) {
            (Some(ruler), _) => [ruler.clone()].into(),
            (None, Some(ticks)) => ticks.rulers().collect(),
            (None, None) => Vec::new(),
        }
    }

    fn confirmed(mut self, print: &Print) -> Self {
        let rulers = self.rulers();
        if rulers.is_empty() {
            return match by_ratio(&self.pairs, self.stretch(), print) {
                Verdict::Agrees(text) if text.length < LENGTH_MIN_CM => self.refused(Refusal::PairTooShort),
                Verdict::Agrees(text) => Self { text: Some(text), ..self },
                Verdict::Silent => self,
                Verdict::Refuses(refusal) => self.refused(refusal),
            };
        }
        let mut verdicts: Vec<(Ruler, Verdict)> =
            rulers.into_iter().map(|ruler| (ruler.clone(), by_ruler(&self.pairs, &ruler, print))).collect();
        // Of the worths that ticks may have the print picks one: they differ by a quarter at least, lengths that agree
        // by hundredths.
        let agrees = verdicts.iter().position(|(_, verdict)| matches!(verdict, Verdict::Agrees(_)));
        if agrees.is_some_and(|at| !self.has_all(print, &verdicts[at].0)) {
            return self.refused(Refusal::PairsAmbiguous);
        }
        let only = verdicts.len() == 1;
        match verdicts.swap_remove(agrees.unwrap_or(0)) {
            (ruler, Verdict::Agrees(text)) => {
                self.ruler = Some(ruler);
                let sight = self.settled();
                Self { text: sight.chosen().map(|_| text), ..sight }
            }
            (_, Verdict::Refuses(refusal)) if only => {
                self.text = print.lengths.iter().max_by(|a, b| a.length.0.total_cmp(&b.length.0)).cloned();
                self.refused(refusal)
            }
            // Ticks that fit no printed length in any worth are no witness.
            (_, Verdict::Refuses(_)) => match by_ratio(&self.pairs, self.stretch(), print) {
                Verdict::Refuses(refusal) => self.refused(refusal),
                Verdict::Agrees(_) | Verdict::Silent => self.refused(Refusal::PairsAmbiguous),
            },
            (_, Verdict::Silent) => self,
        }
    }

    /// Whether on a ruler each printed length is a pair's, where there are as many and no line joins the chosen one: of pairs joined
    /// by what stands beside them wrongly one may have a printed length by chance.
    fn has_all(&self, print: &Print, ruler: &Ruler) -> bool {
        let has =
            |printed: &PrintedLength| self.pairs.iter().any(|pair| nearly_agree(ruler.distance(pair.ends).0, printed));
        let is_lined = self.chosen().is_none_or(|chosen| !self.is_by_likeness(chosen));
        is_lined || self.pairs.len() != print.lengths.len() || print.lengths.iter().all(has)
    }

    /// The longest pair of all pairings that are possible, where they have one. One line among markers that have none joins no pair:
    /// a cart draws all of them or none.
    fn in_every_pairing(self) -> Self {
        if self.refusal != Some(Refusal::PairsAmbiguous) || !self.by_line.is_empty() {
            return self;
        }
        let ruler = self.ruler.clone();
        let is_clear = |pairing: &Pairing| {
            let pairs = pairing.pairs.clone();
            let alone = Self { pairs, ..self.clone() }.settled();
            pairing.left_out == 0 && alone.refusal.is_none()
        };
        let all = self.pairings.iter().map(|pairing| (pairing.clone(), ruler.clone())).collect();
        match in_common(all, self.stretch().unwrap_or(1.0)) {
            Some((pairs, _)) if self.pairings.iter().all(is_clear) => Self { pairs, ..self }.settled(),
            _ => self,
        }
    }

    /// What all pairings have in common in which every printed length is a pair's and every pair's length is printed. Those that
    /// fit as nearly as markers and rulers are seen count before those that only agree.
    fn paired_by(mut self, print: &Print) -> Self {
        let Some(longest) = sorted(print).first().copied().cloned() else { return self };
        if print.unread > 0 || numbered(print) > print.lengths.len() {
            return self;
        }
        let fitting = [Slack::Seen, Slack::Agreed].map(|slack| self.fitting(print, slack));
        let Some(fitting) = fitting.into_iter().find(|fitting| !fitting.is_empty()) else { return self };
        let Some((pairs, ruler)) = in_common(fitting, self.stretch().unwrap_or(1.0)) else { return self };
        if self.may_be_stretched(&pairs, ruler.as_ref(), print) {
            return self;
        }
        self.pairings.clear();
        self.pairs = pairs;
        self.ruler = ruler;
        let sight = self.settled();
        let text = sight.chosen().map(|_| longest);
        Self { text, ..sight }
    }

    /// Whether, where nothing tells how much the picture is stretched, it may be so much that another pairing fits, with another longest
    /// pair.
    fn may_be_stretched(&self, pairs: &[Pair], ruler: Option<&Ruler>, print: &Print) -> bool {
        let Some(ruler) = ruler.filter(|ruler| ruler.by == Across::Assumed) else { return false };
        let longest = |pairs: &[Pair], ruler: &Ruler| {
            let length = |pair: &Pair| ruler.distance(pair.ends).0;
            pairs.iter().max_by(|a, b| length(a).total_cmp(&length(b))).map(|pair| pair.ends)
        };
        let own = longest(pairs, ruler);
        stretches().any(|stretch| {
            let ruler = Ruler { across: PixelsPerCm(stretch * ruler.scale.0), ..ruler.clone() };
            let mut others = self.pairings.iter().filter(|other| longest(&other.pairs, &ruler) != own);
            others.any(|other| fits(other, &ruler, print, Slack::Seen))
        })
    }

    /// The pairings that fit, with the ruler on which they do.
    fn fitting(&self, print: &Print, slack: Slack) -> Vec<(Pairing, Option<Ruler>)> {
        let rulers: Vec<Option<Ruler>> = self.rulers().into_iter().map(Some).collect();
        let rulers = if rulers.is_empty() { [None].into() } else { rulers };
        let mut fitting = Vec::new();
        for pairing in &self.pairings {
            for ruler in &rulers {
                let fits = match ruler {
                    // A marker that is left out may belong to a measurement whose line of print was not found; where several
                    // lengths fit it is a false one.
                    Some(ruler) => {
                        (pairing.left_out == 0 || print.lengths.len() > 1) && fits(pairing, ruler, print, slack)
                    }
                    // Without a scale only the lengths' proportions tell; a marker too many would have to be guessed.
                    None => {
                        pairing.left_out == 0
                            && pairing.pairs.len() > 1
                            && is_in_proportion(&pairing.pairs, self.stretch(), print, slack)
                    }
                };
                if fits {
                    fitting.push((pairing.clone(), ruler.clone()));
                }
            }
        }
        fitting
    }
}

/// The pairs that all of the pairings have, if their longest is among them and all are by one ruler.
fn in_common(fitting: Vec<(Pairing, Option<Ruler>)>, stretch: f32) -> Option<(Vec<Pair>, Option<Ruler>)> {
    let mut fitting = fitting.into_iter();
    let (Pairing { pairs: mut common, .. }, ruler) = fitting.next()?;
    let length = |pair: &Pair| pair.unstretched(stretch).0;
    let longest = common.iter().copied().max_by(|a, b| length(a).total_cmp(&length(b)))?;
    for (other, by) in fitting {
        common.retain(|pair| other.pairs.iter().any(|other| other.ends == pair.ends));
        if by != ruler {
            return None;
        }
    }
    common.iter().any(|pair| pair.ends == longest.ends).then_some((common, ruler))
}

/// How much wider than high a picture may be shown, in steps of a hundredth.
fn stretches() -> impl Iterator<Item = f32> {
    let steps = (100.0 * libm::logf(STRETCH_MAX)) as i32;
    (-steps..=steps).map(|step| libm::expf(step as f32 / 100.0))
}

/// What print says of pairs, one of which is chosen, on a ruler.
fn by_ruler(pairs: &[Pair], ruler: &Ruler, print: &Print) -> Verdict {
    let Some(chosen) = pairs.iter().find(|pair| pair.chosen) else { return Verdict::Silent };
    let cm = ruler.distance(chosen.ends);
    let lengths = sorted(print);
    let off = |printed: &&&PrintedLength| (printed.length.0 - cm.0).abs();
    let nearest = lengths.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
    match nearest {
        None => Verdict::Silent,
        Some(own) if agree(cm.0, own) => {
            let longer =
                lengths.iter().any(|other| other.length.0 > (1.0 + AGREEMENT) * own.length.0 && !agree(cm.0, other));
            if longer { Verdict::Refuses(Refusal::PartnerMissing) } else { Verdict::Agrees((*own).clone()) }
        }
        Some(own) => {
            let others = || pairs.iter().filter(|pair| !pair.chosen).map(|pair| ruler.distance(pair.ends).0);
            let of_others = lengths.iter().all(|printed| others().any(|cm| nearly_agree(cm, printed)));
            if of_others {
                Verdict::Silent
            } else {
                Verdict::Refuses(Refusal::LengthsDisagree { by_ruler: cm, by_text: own.length })
            }
        }
    }
}

/// What print says of pairs, one of which is chosen, without a scale.
fn by_ratio(pairs: &[Pair], stretch: Option<f32>, print: &Print) -> Verdict {
    let lengths = sorted(print);
    let label = pairs.iter().find(|pair| pair.chosen).and_then(|pair| pair.label);
    if lengths.len() > pairs.len() {
        return Verdict::Refuses(Refusal::PartnerMissing);
    }
    // Beside a line that could not be read the one that could may be another pair's.
    if lengths.len() == pairs.len() && print.unread == 0 {
        if !is_in_proportion(pairs, stretch, print, Slack::Agreed) {
            return Verdict::Refuses(Refusal::PairsAmbiguous);
        }
        let own = lengths[0];
        let contradicts = own.label.is_some() && label.is_some() && own.label != label;
        return if contradicts { Verdict::Silent } else { Verdict::Agrees(own.clone()) };
    }
    let mut labelled = lengths.iter().filter(|printed| label.is_some() && printed.label == label);
    match (labelled.next(), labelled.next()) {
        // A number of few pixels may be misread: what else is printed must fit the other pairs at the same scale.
        (Some(own), None) if own.length == lengths[0].length && are_borne_out(pairs, stretch, own, &lengths) => {
            Verdict::Agrees((*own).clone())
        }
        _ => Verdict::Silent,
    }
}
