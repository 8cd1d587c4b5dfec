use sonogfr::app::phantom::*;
fn main(){ let a:Vec<String>=std::env::args().collect();
 write(&Order{count:a[1].parse().unwrap(),seed:a[2].parse().unwrap(),folder:a[3].clone().into(),output:if a.len()>4 {Output::ScreensAndCrops} else {Output::Crops},crop_size:128}).unwrap(); }
