// One polite sentence for people who listen to the page.
export const say = (sentence) => {
  document.querySelector("#live").textContent = sentence;
};
