//! Arrows between events, laid so that they meet neither events nor each other.
//!
//! An arrow leaves its event horizontally, runs down beside the lane it is for, and ends horizontally. Beside each lane there
//! are a few tracks for the downward part.

use std::collections::HashMap;

/// From a lane to its first track, and from track to track.
const FIRST: f64 = 9.0;
const PITCH: f64 = 3.5;
const TRACKS: usize = 3;

/// Where an event's dot ends.
const DOT: f64 = 5.0;

/// A lane, and whether the track is on its right.
type Side = (usize, bool);

/// Remembers which tracks are taken.
#[derive(Default)]
pub struct Router {
    taken: HashMap<(Side, usize), Vec<(usize, usize)>>,
}

impl Router {
    /// The path of an arrow between two points.
    pub fn arrow(&mut self, (from_x, from_y): (usize, usize), (to_x, to_y): (usize, usize)) -> String {
        let right = from_x > to_x;
        let track = self.track((to_x, right), (from_y.min(to_y), from_y.max(to_y)));
        // Towards the lane that the arrow is for.
        let inward = if right { -1.0 } else { 1.0 };
        let x = to_x as f64 - inward * (FIRST + PITCH * track as f64);
        let leaves = if from_x == to_x { -inward } else { inward };
        let start = from_x as f64 + leaves * DOT;
        let end = to_x as f64 - inward * DOT;
        let head = end - inward * 4.0;
        format!("M{start} {from_y}H{x}V{to_y}H{end}M{head} {}L{end} {to_y}L{head} {}", to_y - 3, to_y + 3)
    }

    /// A track on this side of a lane that is free between two heights; the last one if none is.
    fn track(&mut self, side: Side, (top, bottom): (usize, usize)) -> usize {
        let free = |taken: Option<&Vec<(usize, usize)>>| {
            taken.is_none_or(|spans| spans.iter().all(|&(above, below)| bottom <= above || below <= top))
        };
        let track = (0..TRACKS).find(|&track| free(self.taken.get(&(side, track)))).unwrap_or(TRACKS - 1);
        self.taken.entry((side, track)).or_default().push((top, bottom));
        track
    }
}

#[cfg(test)]
mod tests {
    use super::Router;

    #[test]
    fn arrows_that_overlap_take_different_tracks() {
        let mut router = Router::default();
        let first = router.arrow((10, 0), (50, 100));
        assert_eq!(first, "M15 0H41V100H45M41 97L45 100L41 103");
        assert!(router.arrow((10, 50), (50, 150)).contains("H37.5V150"), "beside the first");
        assert!(router.arrow((10, 200), (50, 250)).contains("H41V250"), "below it");
        assert!(router.arrow((90, 0), (50, 100)).starts_with("M85 0H59V100H55"), "from the right");
        assert!(router.arrow((10, 0), (10, 60)).starts_with("M5 0H1V60H5"), "within a lane");
    }
}
