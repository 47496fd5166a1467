//! Circles in a directed graph: strongly connected components by Tarjan's algorithm ("Depth-first
//! search and linear graph algorithms", 1972), without recursion, in time linear in the edges.

/// What the search knows of a node.
#[derive(Clone, Copy, Default)]
struct Mark {
    /// The order of discovery, from 1; 0: not discovered.
    order: usize,
    /// The earliest node on the stack that can be reached.
    lowest: usize,
    on_stack: bool,
}

/// The groups of two or more nodes that reach each other, each in order, the groups by their
/// first node. `edges` lists the targets of each node; targets outside of it are passed over.
pub(super) fn find(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut marks = vec![Mark::default(); edges.len()];
    let mut stack = Vec::new();
    let mut groups = Vec::new();
    let mut discovered = 0;
    for start in 0..edges.len() {
        if marks.get(start).is_none_or(|mark| mark.order != 0) {
            continue;
        }
        // A node and how many of its edges were followed.
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
