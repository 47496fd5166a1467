//! Cycles in a directed graph: strongly connected components by Tarjan's algorithm ("Depth-first
//! search and linear graph algorithms", 1972), without recursion and in linear time.

/// The search state of a node.
#[derive(Clone, Copy, Default)]
struct Mark {
    /// The order of discovery, from 1; 0 if not yet discovered.
    order: usize,
    /// The order of the earliest node on the stack that is reachable from this node.
    lowest: usize,
    on_stack: bool,
}

/// Returns the groups of two or more nodes that reach each other. Each group is in ascending order,
/// and the groups are ordered by their first node. `edges` lists the targets of each node; targets
/// out of range are ignored.
pub(super) fn find(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut marks = vec![Mark::default(); edges.len()];
    let mut stack = Vec::new();
    let mut groups = Vec::new();
    let mut discovered = 0;
    for start in 0..edges.len() {
        if marks.get(start).is_none_or(|mark| mark.order != 0) {
            continue;
        }
        // Each entry is a node and the number of its edges followed so far.
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((node, followed)) = path.pop() {
            if followed == 0 {
                discovered += 1;
                stack.push(node);
                if let Some(mark) = marks.get_mut(node) {
                    *mark = Mark {
                        order: discovered,
                        lowest: discovered,
                        on_stack: true,
                    };
                }
            }
            if let Some(target) = edges.get(node).and_then(|targets| targets.get(followed)) {
                path.push((node, followed + 1));
                match marks.get(*target).copied() {
                    Some(mark) if mark.order == 0 => path.push((*target, 0)),
                    Some(mark) if mark.on_stack => lower(&mut marks, node, mark.order),
                    _ => {}
                }
                continue;
            }
            let mark = marks.get(node).copied().unwrap_or_default();
            if let Some((parent, _)) = path.last() {
                lower(&mut marks, *parent, mark.lowest);
            }
            if mark.lowest == mark.order {
                let mut group = Vec::new();
                while let Some(member) = stack.pop() {
                    if let Some(mark) = marks.get_mut(member) {
                        mark.on_stack = false;
                    }
                    group.push(member);
                    if member == node {
                        break;
                    }
                }
                if group.len() > 1 {
                    group.sort_unstable();
                    groups.push(group);
                }
            }
        }
    }
    groups.sort_unstable();
    groups
}

fn lower(marks: &mut [Mark], node: usize, to: usize) {
    if let Some(mark) = marks.get_mut(node) {
        mark.lowest = mark.lowest.min(to);
    }
}
