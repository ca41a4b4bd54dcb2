//! Folders that come, go and get other names.

use mail_access::Error;

use super::{NAMES, Run, folder};
use crate::plain::OWN;

impl Run {
    pub(super) async fn create(&mut self) {
        let name = *self.random.pick(&NAMES);
        self.say(format!("create {name}"));
        let created = self.store.create_folder(&self.login, &folder(name)).await;
        self.done(created);
        self.plain.create(name);
    }

    pub(super) async fn delete(&mut self) {
        let names = if self.random.one_in(4) { &OWN[..] } else { &NAMES[..] };
        let name = *self.random.pick(names);
        self.say(format!("delete {name}"));
        let deleted = self.store.delete_folder(&self.login, &folder(name)).await;
        self.done(deleted);
        self.plain.delete(name);
    }

    pub(super) async fn rename(&mut self) {
        let (from, to) = (*self.random.pick(&NAMES), *self.random.pick(&NAMES));
        let holds_others = self.plain.place(from).is_none() && self.plain.listed().contains(&from.to_owned());
        if holds_others || self.plain.would_collide(from, to) {
            // What becomes of these the contract leaves open.
            return;
        }
        self.say(format!("rename {from} to {to}"));
        let renamed = self.store.rename_folder(&self.login, &folder(from), &folder(to)).await;
        if from == to || self.plain.place(to).is_some() || to.starts_with(&format!("{from}/")) {
            assert!(matches!(renamed, Err(Error::Refused { .. })), "{renamed:?}\n{}", self.story());
            return;
        }
        if self.plain.place(from).is_none() {
            return self.no_such_folder(&renamed);
        }
        self.done(renamed);
        self.plain.rename(from, to);
        self.folders().await;
    }

    pub(super) async fn subscribe(&mut self) {
        let (name, subscribed) = (*self.random.pick(&NAMES), self.random.one_in(2));
        self.say(format!("subscribe to {name}: {subscribed}"));
        let noted = self.store.subscribe(&self.login, &folder(name), subscribed).await;
        let is_ghost = self.plain.ghosts.iter().any(|ghost| ghost == name);
        if subscribed && self.plain.place(name).is_none() && !(is_ghost && noted.is_ok()) {
            return self.no_such_folder(&noted);
        }
        self.done(noted);
        self.plain.subscribed.retain(|known| known != name);
        if subscribed {
            self.plain.subscribed.push(name.to_owned());
        }
    }

    pub(super) async fn folders(&mut self) {
        self.say("list the folders".to_owned());
        let folders = self.store.folders(&self.login).await;
        let folders = self.done(folders);
        let names: Vec<&str> = folders.iter().map(|folder| folder.name.as_str()).collect();
        self.same(&names, &self.plain.listed().iter().map(String::as_str).collect());
        for listed in &folders {
            let name = listed.name.as_str();
            self.same(&listed.special_use.is_some(), &OWN.contains(&name));
            let is_there = self.plain.place(name).is_some();
            if !self.plain.ghosts.iter().any(|ghost| ghost == name) {
                self.same(&listed.selectable, &is_there);
            }
            if is_there {
                self.same(&listed.selectable, &true);
                self.same(&listed.subscribed, &self.plain.subscribed.iter().any(|known| known == name));
            }
        }
    }
}
