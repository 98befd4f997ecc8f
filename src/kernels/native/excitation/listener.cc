#include "excitation/listener.h"

#include "excitation/listening.h"

Listener* new_listener(const Hearing& hearing) { return new Listener(hearing); }
void delete_listener(Listener* l) { delete l; }
void copy_listener(Listener* to, const Listener* from) { *to = *from; }
void listener_frame(Listener* l, const Predictors& p, int index) { l->frame(p, index); }
void listener_cues(Listener* l, float* cues) {
  l->predict();
  l->cues(cues);
}
void listener_follow(Listener* l, int code) { l->follow(code); }
