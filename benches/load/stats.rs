//! Figures, and their table.

use super::client::Measured;
use super::server::Cost;
use super::times::Times;

fn spread(times: &Times) -> String {
    let [a, b, c] = [0.5, 0.99, 0.999].map(|share| times.percentile(share));
    format!("{a:>7.2} {b:>7.2} {c:>7.2}")
}

/// One run.
#[derive(Debug)]
pub(crate) struct Figures {
    count: usize,
    /// KB and processor time per session.
    cost: Option<(f64, f64)>,
    measured: Measured,
}

impl Figures {
    pub(crate) fn new(count: usize, idle: Option<Cost>, measured: Measured) -> Self {
        let cost = idle.zip(measured.cost).map(|(idle, (begin, end))| {
            let memory = (end.memory_kb as f64 - idle.memory_kb as f64) / count as f64;
            let time = end.processor.saturating_sub(begin.processor).as_secs_f64()
                / measured.took.as_secs_f64()
                / count as f64;
            (memory, time * 100.0)
        });
        Self { count, cost, measured }
    }

    pub(crate) fn title() {
        println!(
            "milliseconds:             client to provider      provider to client     speak to first audio   per session"
        );
        println!(
            "sessions                   p50     p99   p99.9     p50     p99   p99.9     p50     p99   p99.9     KB   % CPU"
        );
    }

    pub(crate) fn row(&self, name: &str) -> String {
        let Measured { up, down, speak, lost, .. } = &self.measured;
        let cost = self.cost.map_or_else(|| "     –       –".to_owned(), |(kb, cpu)| format!("{kb:>6.0} {cpu:>7.3}"));
        let lost = if *lost == 0 { String::new() } else { format!("  {lost} lost") };
        format!("{:>6} {name:<13} {} {} {} {cost}{lost}", self.count, spread(up), spread(down), spread(speak))
    }

    /// Returns the larger 99th percentile of both directions in milliseconds, infinity if an answer is missing.
    pub(crate) fn p99(&self) -> f64 {
        let Measured { up, down, lost, .. } = &self.measured;
        if *lost > 0 { f64::INFINITY } else { up.percentile(0.99).max(down.percentile(0.99)) }
    }

    /// Returns the latency that a server adds to the baseline.
    pub(crate) fn added(&self, direct: &Self) -> String {
        let added = |ours: &Times, theirs: &Times| {
            [0.5, 0.99, 0.999]
                .map(|share| format!("{:>7.2}", ours.percentile(share) - theirs.percentile(share)))
                .join(" ")
        };
        let (ours, theirs) = (&self.measured, &direct.measured);
        format!("{:>6} {:<13} {} {}", "", "added", added(&ours.up, &theirs.up), added(&ours.down, &theirs.down))
    }

    /// Returns the ratio of our cost to another server's.
    pub(crate) fn against(&self, peer: &Self) -> String {
        let cost = self.cost.zip(peer.cost);
        let (kb, cpu) = cost.map_or((f64::NAN, f64::NAN), |(ours, theirs)| (theirs.0 / ours.0, theirs.1 / ours.1));
        let p99 = |figures: &Self| figures.measured.down.percentile(0.99);
        format!(
            "{:>6} pipecat / sayna: {cpu:.1} times the processor, {kb:.1} times the memory, {:.1} times the p99 of results",
            "",
            p99(peer) / p99(self)
        )
    }
}
