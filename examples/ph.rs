use sonogfr::phantom;
fn main(){
  let n:u64=std::env::args().nth(1).unwrap().parse().unwrap();
  let t=std::time::Instant::now(); let mut el=0.0;
  for i in 0..n { let p=phantom::patient(1,i); let t=std::time::Instant::now(); let ph=phantom::draw(1,&p,1); el+=t.elapsed().as_secs_f64();
    image::save_buffer(format!("/tmp/w/ph{i}.png"), ph.screen.as_rgb(), 960,720,image::ColorType::Rgb8).unwrap();
    println!("{i} {:?} {:?} {:?}", phantom::egfr(&p), p.factors, ph.truth.ends);
  }
  println!("{} s each, with png {}", el/n as f64, t.elapsed().as_secs_f64()/n as f64);
}
