//! PDFs as programs write them: a table of objects, a packed list of them, objects in a stream, changes behind the end.

use std::io::Write;

pub struct Paper {
    /// By number, from 1: what stands between "obj" and "endobj".
    pub objects: Vec<Vec<u8>>,
    /// Behind the root in the trailer.
    pub trailer: String,
}

impl Paper {
    /// A catalogue, a tree and so many pages.
    pub fn of(pages: usize) -> Paper {
        let kids: Vec<String> = (0..pages).map(|nth| format!("{} 0 R", nth + 3)).collect();
        let mut objects = vec![
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            format!("<</Type/Pages/Kids[{}]/Count {pages}>>", kids.join(" ")).into_bytes(),
        ];
        let page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>";
        objects.extend(std::iter::repeat_n(page.to_vec(), pages));
        Paper { objects, trailer: String::new() }
    }

    pub fn with(mut self, object: &str) -> Paper {
        self.objects.push(object.as_bytes().to_vec());
        self
    }

    pub fn instead(mut self, number: usize, object: &str) -> Paper {
        self.objects[number - 1] = object.as_bytes().to_vec();
        self
    }

    pub fn trailer(mut self, text: &str) -> Paper {
        self.trailer = text.to_string();
        self
    }

    fn body(&self, but: &[usize]) -> (Vec<u8>, Vec<usize>) {
        let mut out = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut starts = Vec::new();
        for (at, object) in self.objects.iter().enumerate() {
            starts.push(out.len());
            if but.contains(&(at + 1)) {
                continue;
            }
            writeln!(out, "{} 0 obj", at + 1).unwrap();
            out.extend_from_slice(object);
            out.extend_from_slice(b"\nendobj\n");
        }
        (out, starts)
    }

    /// With a table, as since the first version.
    pub fn table(&self) -> Vec<u8> {
        let (mut out, starts) = self.body(&[]);
        let at = out.len();
        write!(out, "xref\n0 {}\n0000000000 65535 f \n", starts.len() + 1).unwrap();
        starts.iter().for_each(|start| writeln!(out, "{start:010} 00000 n ").unwrap());
        write!(out, "trailer\n<</Size {}/Root 1 0 R{}>>\n", starts.len() + 1, self.trailer).unwrap();
        write!(out, "startxref\n{at}\n%%EOF\n").unwrap();
        out
    }

    /// Catalogue and pages packed in a stream of objects, and the list of them packed too; `predicted`: as PNG rows.
    pub fn packed(&self, predicted: bool) -> Vec<u8> {
        let all: Vec<usize> = (1..=self.objects.len()).collect();
        let (mut out, _) = self.body(&all);
        let (mut heads, mut texts) = (String::new(), Vec::new());
        for (at, object) in self.objects.iter().enumerate() {
            heads.push_str(&format!("{} {} ", at + 1, texts.len()));
            texts.extend_from_slice(object);
            texts.push(b' ');
        }
        let holder = self.objects.len() + 1;
        let first = heads.len();
        let holds = deflated(&[heads.as_bytes(), &texts].concat());
        let holder_at = out.len();
        let head = format!("/Type/ObjStm/N {}/First {first}", self.objects.len());
        stream(&mut out, holder, &head, &holds);
        let at = out.len();
        let mut rows: Vec<[u8; 5]> = vec![[0; 5]];
        rows.extend((0..self.objects.len()).map(|nth| [2, 0, 0, holder as u8, nth as u8]));
        for start in [holder_at, at] {
            rows.push([1, (start >> 16) as u8, (start >> 8) as u8, start as u8, 0]);
        }
        let plain = rows.concat();
        let bytes = if predicted { upwards(&plain, 5) } else { plain };
        let how = if predicted { "/DecodeParms<</Predictor 12/Columns 5>>" } else { "" };
        let size = holder + 2;
        let head = format!("/Type/XRef/Size {size}/W[1 3 1]/Root 1 0 R{how}{}", self.trailer);
        stream(&mut out, holder + 1, &head, &deflated(&bytes));
        write!(out, "startxref\n{at}\n%%EOF\n").unwrap();
        out
    }
}

/// Behind the end of a file with a table: these objects anew.
pub fn changed(mut out: Vec<u8>, objects: &[(usize, &str)]) -> Vec<u8> {
    let mark = b"startxref\n";
    let before = out.windows(mark.len()).rposition(|w| w == mark).unwrap() + mark.len();
    let before: String = out[before..].iter().map(|b| *b as char).take_while(char::is_ascii_digit).collect();
    let mut table = String::from("xref\n");
    for (number, object) in objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", out.len()));
        write!(out, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let at = out.len();
    write!(out, "{table}trailer\n<</Size 99/Root 1 0 R/Prev {before}>>\nstartxref\n{at}\n%%EOF\n").unwrap();
    out
}

fn stream(out: &mut Vec<u8>, number: usize, head: &str, bytes: &[u8]) {
    write!(out, "{number} 0 obj\n<<{head}/Filter/FlateDecode/Length {}>>\nstream\n", bytes.len()).unwrap();
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\nendstream\nendobj\n");
}

pub fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Each row as its difference to the one above.
fn upwards(plain: &[u8], width: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut above = vec![0; width];
    for row in plain.chunks(width) {
        out.push(2);
        out.extend(row.iter().zip(&above).map(|(own, up)| own.wrapping_sub(*up)));
        above = row.to_vec();
    }
    out
}
